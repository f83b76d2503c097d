import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { barriers } from './barriers.ts';
import { browse, openOwn, profile } from './chromium.ts';
import { Reader } from './limn.ts';
import { Limn, servePage } from './server.ts';

/** Light and dark, there is nothing in a part of a page that keeps somebody out. */
async function clear(page: Page, part: string, state: string): Promise<void> {
	for (const colorScheme of ['light', 'dark'] as const) {
		await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
		expect(await barriers(page, part), `${state}, ${colorScheme}`).toEqual([]);
	}
}

test('axe finds no barrier in what is drawn on a page', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open('', { reducedMotion: 'reduce' });
	// axe cannot see into a closed root either: here it is open.
	await ada.page.addInitScript(() => {
		const attach = Element.prototype.attachShadow;
		Element.prototype.attachShadow = function (init) {
			return attach.call(this, { ...init, mode: 'open' });
		};
	});
	await ada.page.goto(`${limn.url}/demo`);
	await ada.is('Live');
	await ada.select('planned the emptiness first');
	await ada.find('button', 'Highlight in yellow');
	await clear(ada.page, 'limn-host', 'the bar');
	await ada.click('button', 'Highlight in yellow');
	await ada.find('textbox', 'Name');
	await clear(ada.page, 'limn-host', 'the name');
	await ada.name('Ada');
	for (const ink of ['green', 'blue', 'pink']) await ada.mark(ink, 'Before a word');
	await ada.clickText('planned the emptiness first');
	await ada.click('button', 'Add a note');
	await ada.focused('textbox', 'Note');
	await ada.page.keyboard.insertText('A **note** with `code` and [a link](https://example.org/).');
	await ada.page.keyboard.press('Control+Enter');
	await ada.type('Tag', 'books');
	await ada.page.keyboard.press('Enter');
	await ada.type('Reply', 'A reply');
	await ada.page.keyboard.press('Control+Enter');
	await ada.says('A reply');
	await ada.click('button', 'History');
	await ada.says('Made by Ada');
	await clear(ada.page, 'limn-host', 'a card with everything');
	await ada.page.keyboard.press('Escape');
	await ada.click('button', /^limn: Live/);
	await ada.says('4 highlights');
	await clear(ada.page, 'limn-host', 'the panel');
	await ada.click('tab', 'Discussion');
	await ada.type('Note on the page', 'About all of it');
	await ada.page.keyboard.press('Control+Enter');
	await ada.says('About all of it');
	await clear(ada.page, 'limn-host', 'the discussion');
});

test('axe finds no barrier in the pages of the extension', async () => {
	const limn = await Limn.start();
	const context = await profile(limn.extension('chrome'), { fresh: true });
	for (const name of ['options.html', 'popup.html', 'side.html']) {
		const page = await openOwn(context, name);
		await page.locator('h1, h2').first().waitFor();
		await clear(page, 'html', name);
	}
});

test('axe finds no barrier where there are files, flags, a name that is taken, and what has lost its place', async () => {
	const limn = await Limn.start();
	const extension = limn.openExtension('chrome');
	const url = `${await servePage('<!doctype html><html lang="en"><title>Tides</title><main><h1>Tides</h1><p>The moon pulls the sea.</p></main>')}/`;
	await limn.signUp('Eve');
	const context = await profile(extension);
	const options = await openOwn(context, 'options.html');
	const asks = (ask: string, asked: object) =>
		options.evaluate(([ask, asked]) => chrome.runtime.sendMessage({ ask, with: asked }).then(({ ok }) => ok), [
			ask,
			asked,
		] as const);

	const ada = await Reader.open(await context.newPage(), url);
	await ada.mark('blue', 'The moon pulls');
	await ada.type('Name', 'Eve');
	await ada.click('button', 'Continue');
	await ada.says('The name Eve is taken.');
	await clear(ada.page, 'limn-host', 'a name that is taken');
	await ada.click('button', 'Cancel');

	await asks('signUp', { name: 'Ada' });
	await asks('createGroup', { name: 'Reading circle' });
	await options.reload();
	await options.getByText('Reading circle').waitFor();
	await clear(options, 'html', 'the options of somebody with a group');
	await ada.page.bringToFront();
	await ada.mark('blue', 'The moon pulls');
	await ada.clickText('The moon pulls');
	await ada.type('Reply', 'See the scan');
	await ada.drop('textbox', 'Reply', join(extension, 'icon-128.png'));
	await ada.find('button', 'Remove icon-128.png');
	await clear(ada.page, 'limn-host', 'a file that is chosen');
	await ada.page.keyboard.press('Control+Enter');
	await ada.find('button', /^icon-128\.png .*kB$/);

	const tab = await options.evaluate(
		async () => (await chrome.tabs.query({ active: true, currentWindow: true }))[0]?.id,
	);
	const side = await openOwn(context, `side.html?tab=${tab}`);
	const highlight = await side.locator('li[data-id]').first().getAttribute('data-id');
	await asks('flag', { url, highlight, reason: 'Off the subject' });
	await side.getByRole('tab', { name: 'Flagged' }).click();
	await side.getByText('Off the subject').waitFor();
	await clear(side, 'html', 'what is flagged');
	await ada.page.bringToFront();
	await ada.click('button', 'Close');
	await ada.clickText('The moon pulls');
	await ada.says('Ada: Off the subject');
	await clear(ada.page, 'limn-host', 'a card with a flag and files');

	const bob = await limn.signUp('Bob');
	await bob.write(url, 'It has one tide a day.');
	for (const [ink, text] of [
		['green', 'the sea'],
		['pink', 'pulls'],
		['yellow', 'moon'],
	] as const) {
		await ada.page.keyboard.press('Escape');
		await ada.mark(ink, text);
	}
	await ada.page.evaluate(() => document.querySelector('p')?.remove());
	await side.bringToFront();
	await side.getByRole('tab', { name: 'Highlights' }).click();
	await side.getByRole('button', { name: 'Put it back here' }).nth(3).waitFor();
	await side.getByLabel('Color').selectOption('Green');
	await clear(side, 'html', 'what has lost its place, filtered');
	await side.getByLabel('Search').fill('the sun');
	await side.getByText('No highlight fits.').waitFor();
	await clear(side, 'html', 'nothing that fits');
	await limn.stop();
	await side.getByText('limn is offline.').waitFor();
	await side.getByRole('tab', { name: /^Discussion/ }).click();
	await clear(side, 'html', 'a discussion while offline');
});
