import type { BrowserContext, Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { barriers } from './barriers.ts';
import { browse } from './chromium.ts';
import { Limn } from './server.ts';

// The server's own pages, as people with and without scripts have them.

const url = 'https://tides.example/';

/** Asks the API as somebody. */
async function ask(limn: Limn, token: string, method: string, path: string, body?: unknown): Promise<{ id: string }> {
	const response = await fetch(`${limn.url}/api/v1${path}`, {
		method,
		headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	if (!response.ok) throw new Error(await response.text());
	return (response.status === 204 ? { id: '' } : await response.json()) as { id: string };
}

const place = { xpath: '/html[1]/body[1]/p[1]/text()[1]', offset: 0 };

/** Marks a quote that stands somewhere in the page. */
const mark = (limn: Limn, token: string, exact: string, start: number, more: object = {}) =>
	ask(limn, token, 'POST', '/highlights', {
		url,
		title: 'Tides',
		group: 'public',
		ranges: [
			{
				anchor: place,
				focus: { ...place, offset: exact.length },
				quote: { exact, prefix: '', suffix: '' },
				position: { start, end: start + exact.length },
			},
		],
		...more,
	});

async function signIn(context: BrowserContext, limn: Limn, token: string): Promise<void> {
	await context.addCookies([{ name: 'limn_session', value: token, url: limn.url, httpOnly: true, sameSite: 'Lax' }]);
}

const strangers = (page: string) => [
	'/',
	'/signin',
	'/signin?new=1',
	'/search',
	'/groups',
	'/nowhere',
	'/join',
	'/docs',
	'/docs/settings',
	'/docs/commands',
	'/docs/scaling',
	`/p/${page}`,
];
const reading = (page: string, h: string) => [
	'/',
	`/p/${page}`,
	`/p/${page}?part=notes`,
	`/h/${h}`,
	'/search?q=moon',
	'/search?author=nobody',
];
const keeping = (_page: string, _h: string, group: string) => [
	'/groups',
	`/groups/${group}`,
	'/account',
	'/account/tokens',
	'/account/data',
	'/admin',
];

test.each([
	['strangers', 'light', strangers],
	['strangers', 'dark', strangers],
	['members', 'light', reading],
	['members', 'dark', reading],
	['members', 'light', keeping],
	['members', 'dark', keeping],
] as const)('axe finds no barrier in what %s see, %s', async (who, colorScheme, paths) => {
	const limn = await Limn.start();
	const ada = await limn.signUp('Ada');
	limn.makeOperator('Ada');
	const bob = await limn.signUp('Wolfgang Amadeus Theophilus von Hohenzollern-Sigmaringen IV.');
	const group = await ask(limn, ada.token, 'POST', '/groups', { name: 'Reading circle' });
	const { id: bobs } = await ask(limn, bob.token, 'GET', '/me');
	await ask(limn, ada.token, 'PUT', `/groups/${group.id}/members/${bobs}`, { role: 'member' });
	await ask(limn, ada.token, 'POST', `/groups/${group.id}/invites`, {});
	await ask(limn, ada.token, 'POST', '/tokens', { name: 'A program', scopes: ['read'] });
	await ask(limn, ada.token, 'POST', '/webhooks', { url: 'https://told.example/' });
	const h = await mark(limn, bob.token, 'The moon pulls the sea. '.repeat(80), 0, {
		group: group.id,
		note: '**Where** it begins: [see](https://example.org/), `ruling`\n\n- one\n- two\n\n> quoted',
		tags: ['books', '海'],
		color: '#123456',
	});
	await ask(limn, ada.token, 'POST', `/highlights/${h.id}/replies`, { note: 'Does this hold?' });
	await ask(limn, ada.token, 'POST', `/highlights/${h.id}/flags`, { reason: 'Look' });
	await mark(limn, ada.token, 'يجذب القمر البحر نحوه', 3000);
	await ask(limn, ada.token, 'POST', '/highlights', { url, group: 'public', note: 'On all of it', ranges: [] });
	const page = await ask(limn, ada.token, 'GET', `/pages?url=${encodeURIComponent(url)}`);

	const open = await browse();
	const reader = await open('', { colorScheme, reducedMotion: 'reduce' });
	if (who === 'members') await signIn(reader.page.context(), limn, ada.token);
	for (const path of paths(page.id, h.id, group.id)) {
		await reader.page.goto(limn.url + path);
		await reader.page.evaluate(() => {
			for (const details of document.querySelectorAll('details')) details.open = true;
		});
		expect(await barriers(reader.page), path).toEqual([]);
	}
});

test.each([320, 640])('no page is wider than a window of %s pixels', async (width) => {
	const limn = await Limn.start();
	const ada = await limn.signUp('Wolfgang Amadeus Theophilus von Hohenzollern-Sigmaringen IV.');
	const group = await ask(limn, ada.token, 'POST', '/groups', {
		name: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerk',
	});
	const h = await mark(limn, ada.token, 'Donaudampfschifffahrt'.repeat(90), 0, {
		group: group.id,
		tags: ['w'.repeat(100)],
	});
	await ask(limn, ada.token, 'POST', `/highlights/${h.id}/replies`, { note: `\`\`\`\n${'x'.repeat(300)}\n\`\`\`` });
	const page = await ask(limn, ada.token, 'GET', `/pages?url=${encodeURIComponent(url)}`);
	const open = await browse();
	const reader = await open('', { viewport: { width, height: 600 } });
	await signIn(reader.page.context(), limn, ada.token);
	const paths = [
		'/',
		`/p/${page.id}`,
		`/h/${h.id}`,
		'/search?q=Donaudampfschifffahrt',
		'/groups',
		`/groups/${group.id}`,
	];
	const docs = ['/docs', '/docs/api', '/docs/settings', '/docs/commands', '/docs/scaling', '/docs/deploy/limn.service'];
	for (const path of [...paths, ...docs, '/account', '/account/tokens', '/account/data', '/nowhere', '/signin']) {
		await reader.page.goto(limn.url + path);
		const over = await reader.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
		expect(over, path).toBeLessThanOrEqual(0);
	}
});

test('without scripts one reads, answers, searches and begins a group', async () => {
	const limn = await Limn.start();
	const bob = await limn.signUp('Bob');
	const h = await mark(limn, bob.token, 'The moon pulls the sea', 0, { note: 'Is it *so*?' });
	await ask(limn, bob.token, 'POST', '/groups', { name: 'Taken' });
	const open = await browse();
	const { page } = await open(`${limn.url}/signin?new=1`, { javaScriptEnabled: false });
	await page.getByLabel('Your name').fill('Ada');
	await page.getByRole('button', { name: 'Create the account' }).click();
	await page.getByRole('heading', { name: 'What moves' }).waitFor();

	await page.locator('#public-list').getByRole('link', { name: 'The moon pulls the sea' }).click();
	await page.waitForURL(`**/h/${h.id}`);
	const passage = page.getByRole('link', { name: 'Open at the passage' });
	expect(await passage.getAttribute('href')).toBe(`${url}#:~:text=The%20moon%20pulls%20the%20sea`);
	await page.getByLabel('Reply').fill('It is, twice a day.');
	await page.getByRole('button', { name: 'Reply' }).click();
	await page.getByText('It is, twice a day.').waitFor();
	await page.getByRole('link', { name: 'Tides' }).first().click();
	await page.getByRole('heading', { name: 'Tides' }).waitFor();
	await page.getByText('It is, twice a day.').waitFor();

	await page.getByRole('link', { name: 'Groups' }).first().click();
	await page.getByLabel('Name').fill('Taken');
	await page.getByLabel('Open').check();
	await page.getByRole('button', { name: 'Begin' }).click();
	await page.getByText('Somebody else has this name.').waitFor();
	expect(await page.getByLabel('Name').inputValue()).toBe('Taken');
	expect(await page.getByLabel('Open').isChecked()).toBe(true);
	await page.getByLabel('Name').fill('Reading circle');
	await page.getByRole('button', { name: 'Begin' }).click();
	await page.getByRole('heading', { name: 'Reading circle' }).waitFor();
	await page.locator('summary', { hasText: 'Invite somebody' }).click();
	await page.getByLabel('For how many').fill('3');
	await page.getByRole('button', { name: 'Make the link' }).click();
	expect(await page.getByLabel('The invitation’s link').inputValue()).toMatch(/\/join#.{40}/);

	await page.getByRole('link', { name: 'Search' }).first().click();
	await page.getByRole('searchbox').fill('moon');
	await page.getByRole('button', { name: 'Search' }).click();
	await page.locator('mark', { hasText: 'moon' }).waitFor();
});

test('what others do appears on a page that is open', async () => {
	const limn = await Limn.start();
	const [ada, bob] = [await limn.signUp('Ada'), await limn.signUp('Bob')];
	const first = await mark(limn, bob.token, 'The moon pulls the sea', 100);
	const { id } = await ask(limn, ada.token, 'GET', `/pages?url=${encodeURIComponent(url)}`);
	const open = await browse();
	const { page } = await open('');
	await signIn(page.context(), limn, ada.token);
	await page.goto(`${limn.url}/p/${id}`);
	await page.locator('html[data-live=yes]').waitFor();
	await page.evaluate(() => document.body.setAttribute('data-same', 'document'));
	const quotes = () => page.locator('#on-page .card .quote').allInnerTexts();

	const second = await mark(limn, bob.token, 'It is a bright day', 10, { color: 'green' });
	await expect.poll(quotes).toEqual(['It is a bright day', 'The moon pulls the sea']);
	await expect.poll(() => page.locator('#marks-count').innerText()).toBe('2');

	await ask(limn, bob.token, 'POST', `/highlights/${first.id}/replies`, { note: 'Towards itself.' });
	await page.locator(`#h-${first.id} .thread`).getByText('Towards itself.').waitFor();

	await ask(limn, bob.token, 'PATCH', `/highlights/${second.id}`, { note: 'In April.' });
	await page.locator(`#h-${second.id}`).getByText('In April.').waitFor();

	await ask(limn, bob.token, 'DELETE', `/highlights/${first.id}`);
	await expect.poll(quotes).toEqual(['It is a bright day']);

	const other = await open('');
	await signIn(other.page.context(), limn, bob.token);
	await other.page.goto(`${limn.url}/p/${id}`);
	await page.getByText('Here now: Bob.').waitFor();

	const group = await ask(limn, bob.token, 'POST', '/groups', { name: 'Reading circle' });
	await mark(limn, bob.token, 'For us alone', 300, { group: group.id });
	await other.page.goto(`${limn.url}/groups/${group.id}`);
	await other.page.locator('html[data-live=yes]').waitFor();
	await mark(limn, bob.token, 'For us as well', 320, { group: group.id });
	await other.page.locator('#moves-list').getByText('For us as well').waitFor();

	await limn.stop();
	await page.locator('html[data-live=no]').waitFor();
	await page.getByText('Not live at the moment.').waitFor();
	await limn.start();
	await page.locator('html[data-live=yes]').waitFor();
	await expect.poll(() => page.locator('#away').innerText()).toBe('');
	await mark(limn, bob.token, 'The clocks were striking', 200);
	await expect.poll(quotes).toEqual(['It is a bright day', 'The clocks were striking']);
	expect(await page.locator('body[data-same=document]').count()).toBe(1);
});

test('who looks after a group sees flags and what is done about them as they come', async () => {
	const limn = await Limn.start();
	const [ada, bob] = [await limn.signUp('Ada'), await limn.signUp('Bob')];
	const group = await ask(limn, ada.token, 'POST', '/groups', { name: 'Reading circle', kind: 'open' });
	const { id: bobs } = await ask(limn, bob.token, 'GET', '/me');
	await ask(limn, ada.token, 'PUT', `/groups/${group.id}/members/${bobs}`, { role: 'member' });
	const h = await mark(limn, bob.token, 'The moon pulls the sea', 100, { group: group.id });
	const open = await browse();
	const { page } = await open('');
	await signIn(page.context(), limn, ada.token);
	await page.goto(`${limn.url}/groups/${group.id}`);
	await page.locator('html[data-live=yes]').waitFor();
	const [flags, log, moves] = ['#flags', '#log', '#moves-list'].map((region) => page.locator(region)) as [
		Locator,
		Locator,
		Locator,
	];

	await ask(limn, bob.token, 'POST', `/highlights/${h.id}/flags`, { reason: 'The wrong moon.' });
	await mark(limn, bob.token, 'It is a bright day', 10, { group: group.id });
	await flags.getByText('The wrong moon.').waitFor();
	await ask(limn, ada.token, 'PUT', `/highlights/${h.id}/hidden`);
	await flags.getByRole('button', { name: 'Show it again' }).waitFor();
	await log.getByText('Ada hid what Bob marked').waitFor();

	// The answer to a form has another address, and what it shows once stays.
	await page.locator('summary', { hasText: 'Invite somebody' }).click();
	await page.getByRole('button', { name: 'Make the link' }).click();
	const link = page.getByLabel('The invitation’s link');
	await link.waitFor();
	await page.locator('html[data-live=yes]').waitFor();
	await mark(limn, bob.token, 'The clocks were striking', 200, { group: group.id });
	await moves.getByText('The clocks were striking').waitFor();
	expect(await link.inputValue()).toContain('/join#');
	await page.locator('#invites-list').getByText('0 of 1 used').waitFor();
});

test('a file that is taken in shows how far it is and what became of it', async () => {
	const limn = await Limn.start();
	const ada = await limn.signUp('Ada');
	const open = await browse();
	const { page } = await open('');
	await signIn(page.context(), limn, ada.token);
	await page.goto(`${limn.url}/account/data`);
	const bar = page.getByRole('progressbar', { name: 'How much is sent' });
	const button = page.getByRole('button', { name: 'Take in' });
	const send = async () => {
		const lines = [
			{ page: { url }, note: 'High tide' },
			{ page: { url }, color: 'mauve' },
		].map((h) => JSON.stringify(h));
		await page.getByLabel('From').selectOption('ndjson');
		await page.getByLabel('File').setInputFiles({
			name: 'tides.ndjson',
			mimeType: 'application/x-ndjson',
			buffer: Buffer.from(lines.join('\n')),
		});
		await button.click();
	};
	let release = () => {};
	const held = new Promise<void>((done) => {
		release = done;
	});
	await page.route('**/api/v1/import?*', async (route) => {
		await held;
		await route.continue();
	});

	await send();
	await bar.waitFor();
	expect(await button.isDisabled()).toBe(true);
	release();
	await page.getByText('1 highlight or reply is in now. 1 item could not be taken:').waitFor();
	await page.getByText('Line 2, /color').waitFor();
	await bar.waitFor({ state: 'hidden' });
	expect(await button.isEnabled()).toBe(true);

	await page.unroute('**/api/v1/import?*');
	await page.route('**/api/v1/import?*', (route) => route.abort());
	await send();
	await page.getByText('It broke off.').waitFor();
	expect(await button.isEnabled()).toBe(true);
});

test('what one types outlives what others do', async () => {
	const limn = await Limn.start();
	const [ada, bob] = [await limn.signUp('Ada'), await limn.signUp('Bob')];
	const h = await mark(limn, bob.token, 'The moon pulls the sea', 0);
	const open = await browse();
	const { page } = await open('');
	await signIn(page.context(), limn, ada.token);
	await page.goto(`${limn.url}/h/${h.id}`);
	await page.locator('html[data-live=yes]').waitFor();
	await page.getByLabel('Reply').fill('It is so, bec');

	await ask(limn, bob.token, 'POST', `/highlights/${h.id}/replies`, { note: 'Is it?' });
	await page.getByText('Is it?').waitFor();
	await page.keyboard.type('ause');
	expect(await page.getByLabel('Reply').inputValue()).toBe('It is so, because');
});
