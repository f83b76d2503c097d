import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContextOptions } from 'playwright-core';
import { test } from 'vitest';
import { browse, profile } from './chromium.ts';
import { Reader } from './limn.ts';
import { Limn, servePage } from './server.ts';

// Not a test: every screen of the interface, to be looked at. They go to test-results/, which git does not keep.

const folder = join(import.meta.dirname, '../../../test-results/screens');
mkdirSync(folder, { recursive: true });

const longName = 'Wolfgang Amadeus Theophilus von Hohenzollern-Sigmaringen IV.';
const sentence = 'The margin was there because a book was expected to be answered.';

const sizes: Record<string, BrowserContextOptions> = {
	'1280-light': {},
	'1280-dark': { colorScheme: 'dark' },
	'390-light': { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
	'390-dark': {
		viewport: { width: 390, height: 800 },
		hasTouch: true,
		isMobile: true,
		deviceScaleFactor: 2,
		colorScheme: 'dark',
	},
};

test.each(Object.entries(sizes))('the demo at %s', async (size, options) => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open(`${limn.url}/demo`, { ...options, reducedMotion: 'reduce' });
	const shoot = async (name: string) => {
		await ada.page.screenshot({ path: join(folder, `${name}-${size}.png`) });
	};
	await ada.is('Live');
	await shoot('demo');
	await ada.click('button', /^limn: Live/);
	await ada.says(/Nothing is marked/);
	await shoot('empty');
	await ada.click('button', 'Close');
	await ada.select('planned the emptiness first');
	await ada.find('button', 'Highlight in yellow');
	await shoot('bar');
	await ada.click('button', 'Highlight in yellow');
	await ada.find('textbox', 'Name');
	await shoot('name');
	await ada.name('Ada');
	await ada.paints([`yellow${size.endsWith('dark') ? '-dark' : ''}: planned the emptiness first`]);

	const bob = await open(`${limn.url}/demo`);
	await bob.mark('blue', sentence);
	await bob.name(longName);
	await bob.mark('pink', 'emptiness first. Before', 'Before a word');
	await bob.mark('green', 'A teacher wrote', 'argued with both');
	await bob.mark('purple', 'حاشية', 'gloss.');
	await bob.mark('yellow', '眉批');
	await bob.clickText('planned the');
	await bob.type('Reply', 'Does this hold outside the lab?');
	await bob.page.keyboard.press('Control+Enter');
	await ada.clickText('planned the');
	await ada.says('Does this hold outside the lab?');
	await ada.click('button', 'Add a note');
	await ada.page.keyboard.insertText('The sentence that the whole article hangs on.');
	await shoot('note');
	await ada.page.keyboard.press('Control+Enter');
	await ada.says('The sentence that the whole article hangs on.');
	await ada.says('Checked: it stands in the page as marked');
	for (const tag of ['books', 'to read again']) {
		await ada.type('Tag', tag);
		await ada.page.keyboard.press('Enter');
	}
	await shoot('card');
	await ada.click('button', 'History');
	await ada.says('Made by Ada');
	await shoot('history');
	await ada.page.keyboard.press('Escape');
	await ada.clickText('book was expected');
	await ada.says('Checked: it stands in the page as marked');
	await shoot('card-other');
	await ada.page.keyboard.press('Escape');
	await ada.click('button', /^limn: Live/);
	await ada.says('6 highlights');
	await shoot('panel');
	await ada.page.keyboard.press('Escape');

	await limn.stop();
	await ada.is('Offline');
	await ada.mark('pink', 'Nobody left that much');
	await ada.says(/^Not saved/);
	await shoot('offline');
	await ada.click('button', 'Try again');
	await ada.clickText('planned the');
	await ada.type('Reply', 'It does; see the second gloss.');
	await ada.click('button', 'Reply');
	await ada.says(/Your text is still here/);
	await shoot('card-offline');
});

test.each(['light', 'dark'] as const)('the pages of the server, %s', async (colorScheme) => {
	const limn = await Limn.start();
	const open = await browse();
	for (const width of [1280, 390]) {
		const home = await open(limn.url, { colorScheme, viewport: { width, height: 800 } });
		await home.page.screenshot({ path: join(folder, `home-${width}-${colorScheme}.png`), fullPage: true });
		await home.page.goto(`${limn.url}/demo`);
		await home.is('Live');
		await home.page.screenshot({ path: join(folder, `demo-whole-${width}-${colorScheme}.png`), fullPage: true });
	}
});

test.each(Object.entries(sizes))(
	'a note with everything, what lost its place, and two notes at once, at %s',
	async (size, options) => {
		const limn = await Limn.start();
		const open = await browse();
		const ada = await open(`${limn.url}/demo`, { ...options, reducedMotion: 'reduce' });
		const shoot = async (name: string) => {
			await ada.page.screenshot({ path: join(folder, `${name}-${size}.png`) });
		};
		await ada.mark('yellow', 'planned the emptiness first');
		await ada.name('Ada');
		await ada.mark('green', 'A teacher wrote', 'argued with both');
		await ada.clickText('planned the emptiness first');
		await ada.click('button', 'Add a note');
		await ada.page.keyboard.insertText(
			'**Where it begins.** See [the history](https://example.org/) and `ruling`:\n\n- pricked edges\n- a *dry* point\n\n> an emptiness first',
		);
		await ada.page.keyboard.press('Control+Enter');
		await ada.find('link', 'the history');
		await shoot('markdown');
		const phone = await Reader.open(await ada.page.context().newPage(), `${limn.url}/demo`);
		await ada.page.bringToFront();
		await ada.click('button', 'Edit note');
		await ada.page.keyboard.insertText(' Mine.');
		await phone.page.bringToFront();
		await phone.clickText('planned the emptiness first');
		await phone.click('button', 'Edit note');
		await phone.page.keyboard.press('Control+A');
		await phone.page.keyboard.insertText('Rewritten on the phone.');
		await phone.page.keyboard.press('Control+Enter');
		await phone.page.close();
		await ada.page.bringToFront();
		await ada.page.keyboard.press('Control+Enter');
		await ada.says('This note was changed meanwhile.');
		await shoot('conflict');
		await ada.click('button', 'Take theirs');
		await ada.page.keyboard.press('Escape');
		await ada.page.evaluate(() => document.querySelector('main p:nth-of-type(3)')?.remove());
		await ada.click('button', /^limn: Live/);
		await ada.says('Lost its place');
		await shoot('lost');
		await ada.click('button', 'Put it back here');
		await ada.select('The answers came in layers');
		await ada.find('button', 'Put it back here');
		await shoot('put-back');
	},
);

test('the extension: popup, a lost highlight, and a long one', async () => {
	const limn = await Limn.start();
	const text = 'It was a bright cold day in April. '.repeat(60);
	const url = await servePage(
		`<!doctype html><html lang="en"><meta charset="utf-8"><title>Long</title>
		<body style="font: 17px/26px Georgia; max-width: 40em; margin: 3em auto; background: #10231c; color: #dfe9e4">
		<h1>A dark page</h1><p id="a">This sentence will go away.</p><p id="b">${text}</p></body></html>`,
	);
	const context = await profile(limn.extension('chrome'));
	const ada = await Reader.open(await context.newPage(), url);
	await ada.page.emulateMedia({ reducedMotion: 'reduce' });
	await ada.is('Live');
	await ada.select('sentence will go');
	await ada.find('button', 'Highlight in yellow');
	await ada.page.screenshot({ path: join(folder, 'extension-bar.png') });
	await ada.click('button', 'Highlight in pink');
	await ada.name('Ada');
	await ada.paints(['pink-dark: sentence will go']);
	await ada.page.evaluate(() => {
		const range = document.createRange();
		range.selectNodeContents(document.getElementById('b') as Element);
		getSelection()?.addRange(range);
		document.dispatchEvent(new PointerEvent('pointerup', { bubbles: true }));
	});
	await ada.click('button', 'Highlight in blue');
	await ada.page.evaluate(() => document.getElementById('a')?.remove());
	await ada.clickText('It was a bright');
	await ada.find('dialog', 'Highlight');
	await ada.page.screenshot({ path: join(folder, 'extension-long.png') });
	await ada.page.keyboard.press('Escape');
	await ada.click('button', /^limn: Live/);
	await ada.says('Lost its place');
	await ada.page.screenshot({ path: join(folder, 'extension-lost.png') });
	await ada.click('button', /^sentence will go/);
	await ada.find('dialog', 'Highlight');
	await ada.page.screenshot({ path: join(folder, 'extension-lost-card.png') });

	const popup = await context.newPage();
	await popup.setViewportSize({ width: 300, height: 320 });
	await popup.goto(`chrome-extension://${new URL(context.serviceWorkers()[0]?.url() ?? '').host}/popup.html`);
	await popup.getByText('You are Ada.').waitFor();
	await popup.screenshot({ path: join(folder, 'extension-popup.png') });
});
