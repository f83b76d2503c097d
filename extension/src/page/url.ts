/** How long a page's URL may be, in bytes of UTF-8. */
const maxURL = 8 << 10;

const tracking = new Set(['gclid', 'dclid', 'fbclid', 'msclkid', 'twclid', 'mc_cid', 'mc_eid', '_ga', '_gl', 'igshid']);

/** Ports that are never a page's: those that browsers refuse to open (Fetch Standard, "bad port"), and databases'. */
const closedPorts = new Set(
	(
		'1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 ' +
		'123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 ' +
		'990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080 ' +
		'3306 5432 6379 11211 27017'
	).split(' '),
);

/** What no address holds: all that comes before the space, and DEL. */
const control = /[^ -~\u0080-\uffff]/;

/**
 * A page's identity, or null for what cannot be a page's URL. The server computes the same (storage/url.go);
 * storage/testdata/urls.json holds both to it.
 */
export function normalizeURL(raw: string): string | null {
	if (new TextEncoder().encode(raw).length > maxURL || control.test(raw) || raw.split(/[?#]/, 1)[0]?.includes('\\')) {
		return null;
	}
	if (!URL.canParse(raw)) return null;
	const url = new URL(raw);
	if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '' || closedPorts.has(url.port)) {
		return null;
	}
	const query = url.search
		.slice(1)
		.split('&')
		.filter((parameter) => {
			const name = parameter.split('=', 1)[0] ?? '';
			return !tracking.has(name) && !name.startsWith('utm_');
		})
		.join('&');
	const route = url.hash.startsWith('#!') || url.hash.startsWith('#/') ? url.hash : '';
	return `${url.protocol}//${url.host}${url.pathname}${query && `?${query}`}${route}`;
}

/**
 * The id of the page with a normalised URL, as everybody computes it: a UUIDv8 made from the URL's SHA-256.
 * Only secure contexts have the digest.
 */
export async function pageID(url: string): Promise<string> {
	return uuid((await digest(url)).slice(0, 16), 8);
}

/** The SHA-256 of a normalised URL, in hex. */
export async function urlHash(url: string): Promise<string> {
	return Array.from(await digest(url), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function digest(url: string): Promise<Uint8Array> {
	return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(url)));
}

/** A new UUIDv7: it begins with the time, so that ids sort as they were made. */
export function newID(now: number = Date.now()): string {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now / 2 ** (8 * (5 - i))) % 256;
	return uuid(bytes, 7);
}

/** RFC 9562: 16 bytes as text, with their version and variant. */
function uuid(bytes: Uint8Array, version: number): string {
	const hex = Array.from(bytes, (byte, i) => {
		if (i === 6) byte = (byte & 0x0f) | (version << 4);
		if (i === 8) byte = (byte & 0x3f) | 0x80;
		return byte.toString(16).padStart(2, '0');
	}).join('');
	return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
