import { expect, test } from 'vitest';
import { barriers } from './barriers.ts';
import { browse, openOwn, profile } from './chromium.ts';
import { Limn } from './server.ts';

test.each(['light', 'dark'] as const)('axe finds no barrier in what is drawn on a page, %s', async (colorScheme) => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open('', { colorScheme, reducedMotion: 'reduce' });
	// axe cannot see into a closed root either: here it is open.
	await ada.page.addInitScript(() => {
		const attach = Element.prototype.attachShadow;
		Element.prototype.attachShadow = function (init) {
			return attach.call(this, { ...init, mode: 'open' });
		};
	});
	await ada.page.goto(`${limn.url}/demo`);
	await ada.is('Live');
	const clear = async () => expect(await barriers(ada.page, 'limn-host')).toEqual([]);
	await ada.select('planned the emptiness first');
	await ada.find('button', 'Highlight in yellow');
	await clear();
	await ada.click('button', 'Highlight in yellow');
	await ada.find('textbox', 'Name');
	await clear();
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
	await clear();
	await ada.page.keyboard.press('Escape');
	await ada.click('button', /^limn: Live/);
	await ada.says('4 highlights');
	await clear();
	await ada.click('tab', 'Discussion');
	await ada.type('Note on the page', 'About all of it');
	await ada.page.keyboard.press('Control+Enter');
	await ada.says('About all of it');
	await clear();
});

test('axe finds no barrier in the pages of the extension', async () => {
	const limn = await Limn.start();
	const context = await profile(limn.extension('chrome'), { fresh: true });
	for (const name of ['options.html', 'popup.html', 'side.html']) {
		const page = await openOwn(context, name);
		await page.locator('h1, h2').first().waitFor();
		for (const colorScheme of ['light', 'dark'] as const) {
			await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
			expect(await barriers(page), `${name}, ${colorScheme}`).toEqual([]);
		}
	}
});
