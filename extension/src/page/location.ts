import { normalizeURL } from './url.ts';

/** The page that a document shows: what it is called, and the URL that identifies it. */
export interface Place {
	url: string;
	title: string;
}

/**
 * The page that the document shows now, or null if it can have no highlights. A canonical URL that the page
 * declares is honoured within its own origin, unless it is the site's root, which templates often declare for
 * every page, or stale: declared for the route before.
 */
export function place(doc: Document, stale: string | null = null): Place | null {
	const own = normalizeURL(doc.location.href);
	if (own === null) return null;
	const declared = canonical(doc);
	const url = declared !== null && declared !== stale ? declared : own;
	return { url, title: doc.title.trim() };
}

function canonical(doc: Document): string | null {
	const href = doc.querySelector('link[rel~="canonical" i]')?.getAttribute('href');
	if (!href || !URL.canParse(href, doc.baseURI)) return null;
	const url = new URL(href, doc.baseURI);
	const root = url.pathname === '/' && url.search === '';
	return url.origin === doc.location.origin && !root ? normalizeURL(url.href) : null;
}

/**
 * Tells which page the document shows, now and whenever a route change makes it another one. The signal given
 * with a page ends when the next begins.
 */
export function followPlace(
	doc: Document,
	show: (place: Place, signal: AbortSignal) => void,
	signal: AbortSignal,
): void {
	const window = doc.defaultView;
	if (!window) return;
	let at = normalizeURL(doc.location.href);
	let declared = canonical(doc);
	let stale: string | null = null;
	let shown: { url: string; end: AbortController } | null = null;

	const look = () => {
		const now = normalizeURL(doc.location.href);
		if (now !== at) {
			stale = declared;
			at = now;
		}
		declared = canonical(doc);
		if (declared !== stale) stale = null;
		const next = place(doc, stale);
		if (next?.url === shown?.url) return;
		shown?.end.abort();
		shown = null;
		if (next) {
			shown = { url: next.url, end: new AbortController() };
			show(next, AbortSignal.any([signal, shown.end.signal]));
		}
	};

	for (const type of ['popstate', 'hashchange', 'pageshow']) window.addEventListener(type, look, { signal });
	// A route change writes the title and the canonical URL after the address: look once more when that is done.
	const navigation = (window as { navigation?: EventTarget }).navigation;
	for (const type of ['currententrychange', 'navigatesuccess']) navigation?.addEventListener(type, look, { signal });
	signal.addEventListener('abort', () => shown?.end.abort());
	look();
}
