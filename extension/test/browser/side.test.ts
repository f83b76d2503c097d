import type { BrowserContext, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openOwn, profile } from './chromium.ts';
import { Reader } from './limn.ts';
import { Limn, servePage } from './server.ts';

const article = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tides</title></head>
<body style="font: 18px/28px serif; margin: 4em"><h1>Tides</h1>
<p>The moon pulls the sea towards it, and the earth turns beneath.</p>
<p style="margin-block: 150vh">So each harbour sees two high waters a day, and two low ones.</p></body></html>`;

/** The panel, in a tab of its own: a test cannot reach the browser's own place for it. */
async function openSide(context: BrowserContext, reader: Reader): Promise<Page> {
	const url = reader.page.url();
	const tab = await context.serviceWorkers()[0]?.evaluate(async (url) => {
		const tabs = await chrome.tabs.query({});
		for (const { id } of tabs) {
			const [result] = await new Promise<(string | undefined)[]>((resolve) => {
				const port = chrome.tabs.connect(id ?? 0, { name: 'side', frameId: 0 });
				port.onMessage.addListener((told) => {
					if (told.place) resolve([told.place.url]);
					port.disconnect();
				});
				port.onDisconnect.addListener(() => {
					void chrome.runtime.lastError;
					resolve([undefined]);
				});
			});
			if (result === url) return id;
		}
		return 0;
	}, url);
	return openOwn(context, `side.html?tab=${tab}`);
}

const entries = (side: Page) => side.locator('.entry:visible .quote').allTextContents();

test('the panel has the page’s highlights in its order, and both scroll to each other', async () => {
	const limn = await Limn.start();
	const url = `${await servePage(article)}/`;
	const context = await profile(limn.extension('chrome'));
	const ada = await Reader.open(await context.newPage(), url);
	await ada.mark('green', 'two high waters');
	await ada.name('Ada');
	await ada.mark('yellow', 'The moon pulls');
	await ada.clickText('The moon pulls');
	await ada.type('Tag', 'physics');
	await ada.page.keyboard.press('Enter');
	await ada.page.keyboard.press('Escape');
	await ada.mark('blue', 'the earth turns');
	await ada.mark('blue', 'So each harbour');
	const side = await openSide(context, ada);
	await expect
		.poll(() => entries(side))
		.toEqual(['The moon pulls', 'the earth turns', 'So each harbour', 'two high waters']);

	// What others do is there at once, and who they are.
	await limn.highlight('Bob', url, 'pink', '/html[1]/body[1]/h1[1]/text()[1]', 0, 5);
	await expect.poll(() => entries(side)).toContain('Tides');
	await side.getByText('Here now: Ada (you).').waitFor();

	// From the panel to the page, and back.
	await side.getByRole('button', { name: /^two high waters/ }).click();
	await expect.poll(() => ada.page.evaluate(() => scrollY)).toBeGreaterThan(500);
	await ada.page.bringToFront();
	await ada.find('dialog', 'Highlight');
	await ada.page.keyboard.press('Escape');
	await ada.clickText('The moon pulls');
	await expect.poll(() => side.locator('[aria-current] .quote').textContent()).toBe('The moon pulls');

	// Filters.
	await side.getByLabel('Color').selectOption('Blue');
	await expect.poll(() => entries(side)).toEqual(['the earth turns', 'So each harbour']);
	await side.getByLabel('Search').fill('EARTH');
	await expect.poll(() => entries(side)).toEqual(['the earth turns']);
	await side.getByRole('button', { name: 'Show all' }).click();
	await side.getByLabel('Author').selectOption('Bob');
	await expect.poll(() => entries(side)).toEqual(['Tides']);
	await side.getByLabel('Author').selectOption('');
	await side.getByLabel('Search').fill('physics');
	await expect.poll(() => entries(side)).toEqual(['The moon pulls']);
});

test('a page’s own discussion follows what is new for who is at its end', async () => {
	const limn = await Limn.start();
	const url = `${await servePage(article)}/`;
	const context = await profile(limn.extension('chrome'));
	const ada = await Reader.open(await context.newPage(), url);
	await ada.is('Live');
	const side = await openSide(context, ada);
	await side.setViewportSize({ width: 380, height: 420 });
	await side.getByRole('tab', { name: 'Discussion' }).click();
	await side.getByText('Nothing is said about this page yet.').waitFor();
	const write = async (text: string) => {
		await side.getByRole('textbox', { name: 'Note on the page' }).fill(text);
		await side.keyboard.press('Control+Enter');
	};
	await write('The *first* note');
	await side.getByRole('textbox', { name: 'Name' }).fill('Ada');
	await side.getByRole('button', { name: 'Continue' }).click();
	await side.getByText('The first note').waitFor();
	for (let i = 2; i <= 8; i++) {
		await write(`Note ${i} on the whole page`);
		await side.getByText(`Note ${i} on`).waitFor();
	}
	const list = side.getByRole('list', { name: 'Discussion' });
	const atEnd = () => list.evaluate((list) => list.scrollHeight - list.clientHeight - list.scrollTop < 2);
	await expect.poll(atEnd).toBe(true);

	const bob = await limn.signUp('Bob');
	await bob.write(url, 'Bob at the end');
	await side.getByText('Bob at the end').waitFor();
	await expect.poll(atEnd).toBe(true);
	await list.evaluate((list) => list.scrollTo(0, 0));
	await bob.write(url, 'Bob again');
	await side.getByRole('button', { name: '1 new note' }).waitFor();
	expect(await list.evaluate((list) => list.scrollTop)).toBe(0);
	await side.getByRole('button', { name: '1 new note' }).click();
	await expect.poll(atEnd).toBe(true);
});

test('five thousand entries stay quick', async () => {
	const limn = await Limn.start();
	const words = Array.from({ length: 5_000 }, (_, i) => `word${i}`);
	const section = (_: unknown, i: number) =>
		`<section><p>${words.slice(i * 100, i * 100 + 100).join('</p><p>')}</p></section>`;
	const sections = Array.from({ length: 50 }, section).join('');
	const url = `${await servePage(`<!doctype html><title>Long</title><body>${sections}`)}/`;
	const context = await profile(limn.extension('chrome'));
	const bob = await limn.signUp('Bob');
	await bob.markAll(url, words);
	const ada = await Reader.open(await context.newPage(), url);
	await expect.poll(() => ada.painted().then((all) => all.length), { timeout: 60_000 }).toBe(5_000);
	const side = await openSide(context, ada);
	await expect.poll(() => side.locator('.entry').count(), { timeout: 30_000 }).toBe(5_000);
	// A filter hides rows and shows them again: none is made anew.
	const first = await side.locator('.entry').first().elementHandle();
	await side.getByLabel('Search').fill('word49');
	await expect.poll(() => side.locator('.entry').count()).toBe(111);
	await side.getByLabel('Search').fill('');
	await expect.poll(() => side.locator('.entry').count()).toBe(5_000);
	expect(await first?.evaluate((row) => row.isConnected)).toBe(true);
});
