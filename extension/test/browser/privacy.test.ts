import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openOwn, profile } from './chromium.ts';
import { Reader } from './limn.ts';
import { eavesdrop, Limn, servePage } from './server.ts';

const article = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tides</title></head>
<body><h1>Tides</h1><p>The moon pulls the sea towards it.</p></body></html>`;

test('the server learns of a page only where limn was turned on', async () => {
	const limn = await Limn.start();
	const site = await servePage(article);
	const server = await eavesdrop(limn.url);
	await limn.highlight('Bob', `${site}/marked`, 'blue', '/html[1]/body[1]/h1[1]/text()[1]', 0, 5);
	const context = await profile(limn.extension('chrome', server.url), { fresh: true });

	// The first start says what the default is, and takes a name.
	const opened = () => context.pages().find((page) => page.url().endsWith('options.html'));
	await expect.poll(() => opened() !== undefined).toBe(true);
	const welcome = opened() as Page;
	await expect.poll(() => welcome.getByLabel('On sites that I turn on').isChecked()).toBe(true);
	await limn.highlight('Ada', `${site}/other`, 'blue', '/html[1]/body[1]/h1[1]/text()[1]', 0, 5);
	await welcome.getByLabel('Your name').fill('ADA');
	await welcome.getByRole('button', { name: 'Continue' }).click();
	await welcome.getByText('The name ADA is taken.').waitFor();
	await welcome.getByLabel('Your name').fill('Eve');
	await welcome.getByRole('button', { name: 'Continue' }).click();
	await welcome.getByText('You are Eve.').waitFor();

	// A page of a site where it is off: four digits of a hash are told, and the button says what that found.
	const said = async (reader: Reader, popup = 'popup.html') => {
		await reader.page.bringToFront();
		const worker = context.serviceWorkers()[0];
		return worker?.evaluate(async () => {
			const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
			return chrome.action.getBadgeText({ tabId: tab?.id ?? 0 });
		}, popup);
	};
	const eve = await Reader.open(await context.newPage(), `${site}/marked`);
	await expect.poll(() => said(eve)).toBe('•');
	const plain = await Reader.open(await context.newPage(), `${site}/unmarked`);
	await expect.poll(() => server.asked.filter((asked) => asked.includes('/pages/near/')).length).toBe(2);
	expect(await said(plain)).toBe('');
	expect(await eve.painted()).toEqual([]);
	const near = server.asked.filter((asked) => !/ \/api\/v1\/(accounts$|groups\?)/.test(asked));
	for (const asked of near) expect(asked).toMatch(/^GET \/api\/v1\/pages\/near\/[0-9a-f]{4}$/);
	expect(server.body.join()).not.toContain(site);

	// Turned on, its pages are read; other sites stay unknown.
	const turn = async (on: boolean) => {
		const popup = await openOwn(context, 'popup.html');
		await popup.evaluate(([origin, on]) => chrome.runtime.sendMessage({ ask: 'site', with: { origin, on } }), [
			site,
			on,
		] as const);
		await popup.close();
	};
	await turn(true);
	await eve.page.bringToFront();
	await eve.paints(['blue: Tides']);
	expect(server.asked.some((asked) => asked.includes('/stream?'))).toBe(true);
	const other = await Reader.open(
		await context.newPage(),
		(await servePage(article)).replace('127.0.0.1', 'localhost'),
	);
	await expect.poll(() => server.asked.filter((asked) => asked.includes('/pages/near/')).length).toBe(3);
	expect(await other.page.locator('limn-host').count()).toBe(0);
	expect(decodeURIComponent(server.asked.join())).not.toContain('localhost');

	// Turned off by hand, not even that is asked, and what was shown is gone.
	await turn(false);
	await expect.poll(() => eve.page.locator('limn-host').count()).toBe(0);
	await eve.paints([]);
	const before = server.asked.length;
	await eve.page.reload();
	await expect.poll(() => said(eve)).toBe('');
	expect(server.asked.slice(before).filter((asked) => asked.includes('/near/'))).toEqual([]);
});
