import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, BrowserContextOptions } from 'playwright-core';
import { expect, test } from 'vitest';
import { browse } from './chromium.ts';
import { Limn, servePage } from './server.ts';

// Not a test: every page of the server, to be looked at, empty and full.

const folder = join(import.meta.dirname, '../../../test-results/pages');
mkdirSync(folder, { recursive: true });

const phone = { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const sizes: Record<string, BrowserContextOptions> = {
	'1280-light': {},
	'1280-dark': { colorScheme: 'dark' },
	'390-light': phone,
	'390-dark': { ...phone, colorScheme: 'dark' },
};

const longName = 'Wolfgang Amadeus Theophilus von Hohenzollern-Sigmaringen IV.';
const paragraphs = [
	'The moon pulls the sea towards it, and the earth turns beneath. So each harbour sees two high waters a day, and two low ones.',
	'Where a bay is narrow and long, the water is pressed into it: in Fundy it rises by sixteen metres, and fishing boats stand on the ground.',
	'潮汐每天两次。月亮牵引着海水，大地在下面转动。',
	'يجذب القمر البحر نحوه، وتدور الأرض تحته، فترى كل ميناء مدّين في اليوم.',
	'The Baltic has almost none. '.repeat(70),
];

async function ask<T = { id: string }>(limn: Limn, token: string, method: string, path: string, body?: unknown) {
	const response = await fetch(`${limn.url}/api/v1${path}`, {
		method,
		headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	if (!response.ok) throw new Error(await response.text());
	return (response.status === 204 ? {} : await response.json()) as T;
}

/** A page that two people and a group have read. */
async function fill(limn: Limn) {
	const text = paragraphs.map((paragraph) => `<p>${paragraph}</p>`).join('\n');
	const html = (body: string) =>
		`<!doctype html><html lang="en"><meta charset="utf-8"><title>Tides, and who first drew them</title><body>${body}`;
	let served = html(`<p>It goes away: nobody knew why, until Newton.</p>${text}`);
	const url = `${await servePage(() => served)}/tides`;
	const [ada, bob] = [await limn.signUp('Ada'), await limn.signUp(longName)];
	limn.makeOperator('Ada');
	const group = await ask(limn, ada.token, 'POST', '/groups', { name: 'Reading circle' });
	await ask(limn, ada.token, 'POST', '/groups', { name: 'Coastal engineers of the North Sea', kind: 'open' });
	const { id: bobs } = await ask(limn, bob.token, 'GET', '/me');
	await ask(limn, ada.token, 'PUT', `/groups/${group.id}/members/${bobs}`, { role: 'member' });
	const mark = async (token: string, paragraph: number, start: number, end: number, more: object = {}) => {
		const xpath = `/html[1]/body[1]/p[${paragraph}]/text()[1]`;
		const ranges = [{ anchor: { xpath, offset: start }, focus: { xpath, offset: end } }];
		const body = { url, ranges, group: 'public', ...more };
		const response = await fetch(`${limn.url}/api/v1/highlights`, {
			method: 'POST',
			headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Prefer: 'wait=10' },
			body: JSON.stringify(body),
		});
		if (!response.ok) throw new Error(await response.text());
		return (await response.json()) as { id: string; page: { id: string } };
	};
	await mark(ada.token, 1, 0, 43, { color: 'pink' });
	const h = await mark(bob.token, 2, 64, 124, {
		group: group.id,
		color: 'blue',
		note: '**Where it begins.** See [the history](https://example.org/) and `ruling`:\n\n- spring tides\n- neap tides\n\n> and the *moon*',
		tags: ['tides', 'to read again', '海'],
	});
	await ask(limn, ada.token, 'POST', `/highlights/${h.id}/replies`, { note: 'Does this hold in a lake?' });
	await ask(limn, bob.token, 'POST', `/highlights/${h.id}/replies`, {
		note: 'In a large one, by a hand.\n\nSee [the table](https://example.org/).',
	});
	await ask(limn, ada.token, 'POST', `/highlights/${h.id}/flags`, { reason: 'The table is from 1911.' });
	await mark(ada.token, 2, 0, 30, { note: 'Newton, 1687.' });
	await mark(bob.token, 3, 54, 95, { color: 'green' });
	await mark(ada.token, 4, 0, 7, { color: 'purple' });
	await mark(bob.token, 5, 0, 21, { color: '#c06020', tags: ['عربي'] });
	await mark(ada.token, 6, 0, paragraphs[4]?.length ?? 0, { color: 'yellow', group: group.id });
	await bob.write(url, 'Does anybody know the *Gulf of Mexico*? It has one tide a day.');
	served = html(text);
	await limn.checkAgain(url);
	const orphans = () => ask<{ items: unknown[] }>(limn, ada.token, 'GET', '/highlights?state=orphaned');
	await expect.poll(async () => (await orphans()).items.length).toBe(1);
	await ask(limn, ada.token, 'POST', `/groups/${group.id}/invites`, { max_uses: 5 });
	await ask(limn, ada.token, 'POST', '/tokens', { name: 'Obsidian, on the laptop', scopes: ['read'] });
	return { ada: ada.token, group: group.id, h: h.id, page: h.page.id };
}

async function signIn(context: BrowserContext, limn: Limn, token: string): Promise<void> {
	await context.addCookies([{ name: 'limn_session', value: token, url: limn.url, httpOnly: true, sameSite: 'Lax' }]);
}

test.each(Object.entries(sizes))('the pages at %s', async (size, options) => {
	const limn = await Limn.start();
	const open = await browse();
	const { page } = await open(limn.url, { ...options, reducedMotion: 'reduce' });
	const shoot = async (name: string, path: string) => {
		await page.goto(limn.url + path);
		// The API is longer than pictures may be.
		await page.screenshot({ path: join(folder, `${name}-${size}.png`), fullPage: !path.startsWith('/docs/api') });
	};
	const eve = await limn.signUp('Eve');
	await shoot('start-empty', '/');
	await shoot('groups-empty', '/groups');
	await signIn(page.context(), limn, eve.token);
	await shoot('home-empty', '/');
	await shoot('groups-mine-empty', '/groups');
	await shoot('tokens-empty', '/account/tokens');
	const empty = await ask(limn, eve.token, 'POST', '/groups', { name: 'Just begun' });
	await shoot('group-empty', `/groups/${empty.id}`);
	await page.context().clearCookies();

	const { ada, group, h, page: id } = await fill(limn);
	await shoot('start', '/');
	await shoot('signin', '/signin');
	await shoot('signup', '/signin?new=1');
	await shoot('join', '/join#code');
	await shoot('nowhere', '/nowhere');
	await shoot('docs', '/docs');
	await shoot('docs-guide', '/docs/scaling');
	await shoot('docs-settings', '/docs/settings');
	await shoot('docs-commands', '/docs/commands');
	await shoot('docs-api', '/docs/api#Highlights');
	await shoot('page-stranger', `/p/${id}`);
	await signIn(page.context(), limn, ada);
	await shoot('home', '/');
	await shoot('page', `/p/${id}`);
	await shoot('page-notes', `/p/${id}?part=notes`);
	await shoot('highlight', `/h/${h}`);
	await shoot('search', '/search?q=moon');
	await shoot('search-all', '/search');
	await shoot('search-none', '/search?q=whale&color=red');
	await shoot('groups', '/groups');
	await shoot('group', `/groups/${group}`);
	await page.getByText('Invite somebody').click();
	await page.getByRole('button', { name: 'Make the link' }).click();
	await page.getByText('Your invitation').waitFor();
	await page.screenshot({ path: join(folder, `group-invited-${size}.png`), fullPage: true });
	await shoot('account', '/account');
	await shoot('tokens', '/account/tokens');
	await shoot('data', '/account/data');
	await shoot('admin', '/admin');
	await shoot('demo', '/demo');
});
