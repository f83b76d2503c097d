import { readdirSync } from 'node:fs';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { Reader } from './limn.ts';
import { folder } from './server.ts';

const executablePath = '/usr/bin/chromium';
const quiet = [
	'--no-sandbox',
	'--disable-gpu',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	'--disable-quic',
];

/** A browser, in which each window that is opened is another person's. */
export async function browse(): Promise<(url: string, options?: BrowserContextOptions) => Promise<Reader>> {
	const browser = await chromium.launch({ executablePath, args: quiet });
	onTestFinished(() => browser.close());
	return async (url, options = {}) => {
		const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
		return Reader.open(await context.newPage(), url);
	};
}

/** A person's own browser with the extension in it, turned on for every site unless it is to be as it comes. */
export async function profile(
	extension: string,
	{
		fresh = false,
		dir = folder('profile'),
		language = 'en',
	}: { fresh?: boolean; dir?: string; language?: string } = {},
): Promise<BrowserContext> {
	const first = readdirSync(dir).length === 0;
	const context = await chromium.launchPersistentContext(dir, {
		executablePath,
		headless: false, // the new headless mode, which has extensions, is asked for below
		ignoreDefaultArgs: ['--disable-back-forward-cache'], // people have it
		viewport: { width: 1280, height: 800 },
		env: { ...process.env, LANGUAGE: language },
		args: [
			'--headless=new',
			`--lang=${language}`,
			...quiet,
			`--disable-extensions-except=${extension}`,
			`--load-extension=${extension}`,
		],
	});
	onTestFinished(() => context.close());
	const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker'));
	// The page that opens after the installation takes a tab that is empty: not one that the test is about to use.
	const welcome = () => context.pages().some((page) => page.url().endsWith('/options.html'));
	if (first) await expect.poll(welcome).toBe(true);
	if (!fresh) await worker.evaluate(() => chrome.storage.local.set({ sites: { everywhere: true, chosen: {} } }));
	return context;
}

/** One of the extension's own pages. */
export async function openOwn(context: BrowserContext, page: string): Promise<Page> {
	const { host } = new URL(context.serviceWorkers()[0]?.url() ?? '');
	const opened = await context.newPage();
	await opened.goto(`chrome-extension://${host}/${page}`);
	return opened;
}
