import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { expect, onTestFinished } from 'vitest';
import { folder } from './server.ts';

/** Firefox, with the extension in it: its profile outlives it. */
export async function fox(extension: string, profile = folder('profile')): Promise<Browser> {
	const browser = await puppeteer.launch({
		browser: 'firefox',
		executablePath: '/usr/bin/firefox-esr',
		headless: true,
		userDataDir: profile,
		// What is installed for a test is forgotten with all that it keeps when Firefox ends, unless it is told otherwise.
		extraPrefsFirefox: {
			'extensions.webextensions.keepStorageOnUninstall': true,
			'extensions.webextensions.keepUuidOnUninstall': true,
		},
	});
	onTestFinished(() => browser.close());
	await browser.installExtension(extension);
	return browser;
}

/** One of the extension's own pages, once it is open. BiDi does not tell its address, so it is asked for it. */
export async function ownPage(browser: Browser, path: string): Promise<Page> {
	let found: Page | undefined;
	await expect
		.poll(async () => {
			for (const page of await browser.pages()) {
				const at = await page.evaluate(() => location.pathname).catch(() => '');
				if (at === path) found = page;
			}
			return found !== undefined;
		})
		.toBe(true);
	return found as Page;
}

/** A page as its reader meets it, by the roles and names of what limn shows. */
export class FoxReader {
	constructor(readonly page: Page) {}

	static async open(browser: Browser, url: string): Promise<FoxReader> {
		const page = await browser.newPage();
		await page.setViewport({ width: 1100, height: 750 });
		await page.goto(url);
		return new FoxReader(page);
	}

	/** The middle of what has a role and a name that begins so, if it is to be seen. */
	async at(role: string, name: string): Promise<{ x: number; y: number } | null> {
		return this.page.evaluate(
			(role, name) => {
				const roles: Record<string, string> = {
					button: 'button',
					textbox: 'textarea, input',
					combobox: 'select',
					dialog: 'dialog',
				};
				const root = document.querySelector('limn-host')?.shadowRoot;
				const all =
					root?.querySelectorAll<HTMLElement>(`[role="${role}"], :is(${roles[role] ?? 'none'}):not([role])`) ?? [];
				for (const element of all) {
					const label = element.id && root?.querySelector(`label[for="${element.id}"]`)?.textContent;
					const named = element.getAttribute('aria-label') ?? (label || element.textContent?.trim());
					const { left, top, width, height } = element.getBoundingClientRect();
					if (named?.startsWith(name) && width > 0) return { x: left + width / 2, y: top + height / 2 };
				}
				return null;
			},
			role,
			name,
		);
	}

	async find(role: string, name: string): Promise<{ x: number; y: number }> {
		let last = { x: -1, y: -1 };
		await expect
			.poll(
				async () => {
					const now = await this.at(role, name);
					const still = now !== null && now.x === last.x && now.y === last.y;
					last = now ?? last;
					return still; // what still moves is not clicked on
				},
				{ message: `a ${role} named ${name}`, timeout: 20_000 },
			)
			.toBe(true);
		return last;
	}

	async click(role: string, name: string): Promise<void> {
		const { x, y } = await this.find(role, name);
		await this.page.mouse.click(x, y);
	}

	async type(name: string, text: string): Promise<void> {
		await this.click('textbox', name);
		await this.page.keyboard.type(text);
	}

	/** Waits until something is said in the interface. */
	async says(words: string): Promise<void> {
		const said = () =>
			this.page.evaluate(() => {
				const root = document.querySelector('limn-host')?.shadowRoot;
				const labels = [...(root?.querySelectorAll('[aria-label]') ?? [])].map((one) => one.getAttribute('aria-label'));
				return `${labels.join('\n')}\n${root?.querySelector<HTMLElement>('.root')?.innerText}`;
			});
		await expect.poll(said, { timeout: 40_000 }).toContain(words);
	}

	/** Where some text of the page is. */
	private place(text: string): Promise<{ left: number; right: number; y: number }> {
		return this.page.evaluate((text) => {
			const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
			for (let node = walker.nextNode(); node; node = walker.nextNode()) {
				const start = (node.textContent ?? '').indexOf(text);
				if (start < 0) continue;
				const range = document.createRange();
				range.setStart(node, start);
				range.setEnd(node, start + text.length);
				const { left, right, top, height } = range.getBoundingClientRect();
				return { left, right, y: top + height / 2 };
			}
			throw new Error(`no text ${text}`);
		}, text);
	}

	/** Selects text by dragging over it. */
	async select(text: string): Promise<void> {
		const { left, right, y } = await this.place(text);
		await this.page.mouse.move(left + 0.2, y);
		await this.page.mouse.down();
		await this.page.mouse.move(right - 0.2, y, { steps: 4 });
		await this.page.mouse.up();
	}

	async mark(ink: string, text: string): Promise<void> {
		await this.select(text);
		await this.click('button', `Highlight in ${ink}`);
	}

	async clickText(text: string): Promise<void> {
		const { left, right, y } = await this.place(text);
		await this.page.mouse.click((left + right) / 2, y);
	}

	painted(): Promise<string[]> {
		return this.page.evaluate(() =>
			[...CSS.highlights]
				.filter(([name]) => name.startsWith('limn-') && !name.startsWith('limn-line-'))
				.flatMap(([name, ranges]) => [...ranges].map((range) => `${name.slice(5)}: ${range}`))
				.sort(),
		);
	}

	async paints(expected: string[]): Promise<void> {
		await expect.poll(() => this.painted(), { timeout: 20_000 }).toEqual([...expected].sort());
	}
}
