import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { browse, profile } from './chromium.ts';
import { Reader } from './limn.ts';
import { eavesdrop, Limn, servePage } from './server.ts';

const text = '<p>The moon pulls the sea towards it, and the earth turns beneath.</p>';
const paragraph = '/html[1]/body[1]/p[1]/text()[1]';

const painted = (page: Page) =>
	page.evaluate(() => [...CSS.highlights].flatMap(([name, ranges]) => [...ranges].map((range) => `${name}: ${range}`)));

/** How long the server takes to answer what is asked from a browser, at worst of some, in milliseconds. */
const slowest = async (ask: () => Promise<unknown>) => {
	let worst = 0;
	for (let i = 0; i < 10; i++) {
		const begun = performance.now();
		await ask();
		worst = Math.max(worst, performance.now() - begun);
	}
	return worst;
};

test('thirty tabs have one stream, which outlives the worker, and leave the server quick', async () => {
	const limn = await Limn.start();
	const server = await eavesdrop(limn.url);
	const site = await servePage(`<!doctype html><title>Tides</title><body>${text}`);
	const context = await profile(limn.extension('chrome', server.url));
	const urls = Array.from({ length: 30 }, (_, i) => `${site}/${i}`);
	const bob = await limn.signUp('Bob');
	for (const url of urls) await bob.mark(url, 'blue', paragraph, 4, 8);
	const tabs: Page[] = [];
	for (const url of urls) {
		const page = await context.newPage();
		await page.goto(url);
		tabs.push(page);
	}
	for (const tab of tabs) await expect.poll(() => painted(tab), { timeout: 30_000 }).toEqual(['limn-blue: moon']);
	await expect.poll(() => server.streams.size).toBe(1);

	// Chrome ends the worker whenever it likes: what comes next wakes it.
	const worker = context.serviceWorkers()[0];
	const devtools = await context.newCDPSession(tabs[0] as Page);
	await devtools.send('ServiceWorker.enable');
	await devtools.send('ServiceWorker.stopAllWorkers');
	for (const i of [0, 14, 29]) await bob.mark(urls[i] as string, 'green', paragraph, 19, 22);
	for (const i of [0, 14, 29]) {
		await expect.poll(() => painted(tabs[i] as Page)).toEqual(['limn-blue: moon', 'limn-green: sea']);
	}
	expect(await painted(tabs[7] as Page)).toEqual(['limn-blue: moon']);
	expect(server.streams.size).toBe(1);
	const took = await slowest(async () => {
		const answered = await worker?.evaluate(
			(url) => fetch(url).then(({ status }) => status),
			`${server.url}/api/v1/pages`,
		);
		expect(answered).toBeGreaterThan(0);
	});
	console.log(`with 30 tabs the server answers within ${took.toFixed()} ms`);
	expect(took).toBeLessThan(2_000);
});

test('eight tabs of a site that has limn in it are live over six connections, also when one of them goes', async () => {
	const limn = await Limn.start();
	const server = await eavesdrop(limn.url);
	const site = await servePage(
		`<!doctype html><title>Tides</title><script src="${server.url}/embed.js" defer></script><body>${text}`,
	);
	const open = await browse();
	const first = await open(`${site}/0`);
	const tabs = [first];
	for (let i = 1; i < 8; i++) {
		tabs.push(await Reader.open(await first.page.context().newPage(), `${site}/${i % 4}`));
	}
	for (const tab of tabs) await tab.is('Live');
	await expect.poll(() => server.streams.size).toBe(1);
	const last = tabs[7] as Reader;
	await last.mark('yellow', 'the earth turns');
	await last.name('Ada');
	await tabs[3]?.paints(['yellow: the earth turns']); // another tab of the same page
	expect(await first.painted()).toEqual([]);
	expect(server.streams.size).toBe(1);

	// The one that held the stream is closed: another one takes it over.
	await first.page.close();
	await limn.highlight('Bob', `${site}/3`, 'blue', paragraph, 4, 8);
	await limn.highlight('Eve', `${site}/0`, 'green', paragraph, 4, 8);
	for (const tab of [last, tabs[3] as Reader]) await tab.paints(['yellow: the earth turns', 'blue: moon']);
	await tabs[4]?.paints(['green: moon']);
	await expect.poll(() => server.streams.size).toBe(1);
});
