import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';
import { onTestFinished } from 'vitest';
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

/** A person's own browser with the extension in it. */
export async function profile(extension: string): Promise<BrowserContext> {
	const context = await chromium.launchPersistentContext(folder('profile'), {
		executablePath,
		headless: false, // the new headless mode, which has extensions, is asked for below
		viewport: { width: 1280, height: 800 },
		args: ['--headless=new', ...quiet, `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
	});
	onTestFinished(() => context.close());
	return context;
}
