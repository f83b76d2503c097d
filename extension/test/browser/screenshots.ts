import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { test } from 'vitest';
import { browse, openOwn, profile } from './chromium.ts';
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
	'1280-zoomed': { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }, // 200 %
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

test('two people on one article, as docs/images/demo.png shows them', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open(`${limn.url}/demo`, { reducedMotion: 'reduce' });
	await ada.mark('yellow', 'planned the emptiness first');
	await ada.name('Ada');
	const bob = await open(`${limn.url}/demo`);
	await bob.mark('blue', sentence);
	await bob.name('Bob');
	await bob.mark('pink', 'emptiness first. Before', 'Before a word');
	await bob.mark('green', 'A teacher wrote', 'argued with both');
	await bob.clickText('planned the');
	await bob.type('Reply', 'Does this hold outside of monasteries?');
	await bob.page.keyboard.press('Control+Enter');
	await ada.clickText('planned the');
	await ada.says('Does this hold outside of monasteries?');
	await ada.click('button', 'Add a note');
	await ada.page.keyboard.insertText('The sentence that the whole article hangs on.');
	await ada.page.keyboard.press('Control+Enter');
	await ada.says('The sentence that the whole article hangs on.');
	await ada.says('Checked: it stands in the page as marked');
	await ada.page.screenshot({ path: join(folder, 'readme.png') });
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
});

test.each(['light', 'dark'] as const)('the pages of the extension, %s', async (colorScheme) => {
	const limn = await Limn.start();
	const text = 'The moon pulls the sea towards it, and the earth turns beneath. '.repeat(6);
	const url = `${await servePage(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Tides</title>
		<body style="font: 17px/26px Georgia; max-width: 36em; margin: 3em auto"><h1>Tides</h1>
		<p>So each harbour sees two high waters a day, and two low ones.</p><p>${text}</p><p>潮汐每天两次。</p><p dir="rtl">المد والجزر مرتان في اليوم.</p>`)}/`;
	const context = await profile(limn.extension('chrome'), { fresh: true });
	const shoot = async (page: Page, name: string, width: number, height: number, fullPage = false) => {
		await page.setViewportSize({ width, height });
		await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
		await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage });
	};
	const options = await openOwn(context, 'options.html');
	await options.getByLabel('Your name').waitFor();
	for (const width of [1280, 390]) await shoot(options, 'options', width, 800, true);

	const bob = await limn.signUp(longName);
	await bob.write(url, 'Does anybody know the *Gulf of Mexico*? It has one tide a day.');
	const ada = await Reader.open(await context.newPage(), url);
	const popup = await openOwn(context, 'popup.html');
	await shoot(popup, 'popup-off', 300, 420);
	const tab = await popup.evaluate(async () => {
		const tabs = await chrome.tabs.query({});
		return tabs.at(-2)?.id ?? 0;
	});
	const side = await openOwn(context, `side.html?tab=${tab}`);
	await side.getByText('Turn limn on').waitFor();
	await shoot(side, 'side-off', 360, 700);
	await options.getByLabel('Your name').fill('Ada');
	await options.getByRole('button', { name: 'Continue' }).click();
	await options.getByText('You are Ada.').waitFor();
	await options.getByLabel('The name of a new group').fill('Reading circle');
	await options.getByRole('button', { name: 'Add' }).click();
	await options.getByText('Reading circle').waitFor();
	await side.getByRole('button', { name: /^Turn on for/ }).click();
	await side.getByText('Nothing is marked on this page.').waitFor();
	await shoot(side, 'side-empty', 360, 700);
	for (const width of [1280, 390]) await shoot(options, 'options-named', width, 800, true);

	await ada.page.bringToFront();
	await ada.select('two high waters');
	await ada.choose('Who can see it', 'Everybody');
	await ada.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
	await ada.page.screenshot({ path: join(folder, `bar-groups-${colorScheme}.png`) });
	await ada.click('button', 'Highlight in yellow');
	for (const [ink, from] of [
		['green', 'The moon pulls'],
		['blue', 'earth turns beneath'],
		['pink', '潮汐'],
		['purple', 'المد والجزر'],
	] as const) {
		await ada.mark(ink, from);
	}
	await limn.highlight('Grace', url, 'yellow', '/html[1]/body[1]/h1[1]/text()[1]', 0, 5);
	await ada.page.evaluate(() => document.querySelectorAll('p')[2]?.remove());
	await side.bringToFront();
	await side.getByText('Lost its place').waitFor();
	await side.locator('.entry:visible').nth(4).waitFor();
	await shoot(side, 'side', 360, 700);
	await side.getByRole('tab', { name: /^Discussion/ }).click();
	await side.getByRole('textbox', { name: 'Note on the page' }).fill('It does, and so has the Baltic, almost.');
	await side.getByRole('button', { name: 'Send' }).click();
	await side.getByText('almost').waitFor();
	await shoot(side, 'side-discussion', 360, 700);
	await popup.reload();
	await popup.getByText('You are Ada.').waitFor();
	await shoot(popup, 'popup', 300, 420);
	await limn.stop();
	await ada.page.bringToFront();
	await ada.is('Offline');
	await ada.page.keyboard.press('Escape');
	await ada.mark('green', 'two low ones');
	await ada.clickText('two low ones');
	await ada.says('Not sent yet.');
	await ada.page.screenshot({ path: join(folder, `waiting-${colorScheme}.png`) });
	await side.bringToFront();
	await side.getByRole('tab', { name: 'Highlights' }).click();
	await side.getByText('Waiting to be sent').first().waitFor();
	await shoot(side, 'side-offline', 360, 700);
});

/** A page in every size and both schemes, as it stands. */
async function shootAll(page: Page, name: string): Promise<void> {
	for (const colorScheme of ['light', 'dark'] as const) {
		await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
		for (const [size, width, height] of [
			['390', 390, 800],
			['zoomed', 640, 400], // 200 %
			['1280', 1280, 800],
		] as const) {
			await page.setViewportSize({ width, height });
			await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`) });
		}
	}
}

const tides = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tides</title>
	<meta name="viewport" content="width=device-width">
	<body style="font: 17px/26px Georgia; max-width: 36em; margin: 3em 1em; color-scheme: light dark"><h1>Tides</h1>
	<p>So each harbour sees two high waters a day, and two low ones.</p>
	<p>The moon pulls the sea towards it, and the earth turns beneath.</p>`;

test('files, flags and what is hidden', async () => {
	const limn = await Limn.start();
	const extension = limn.extension('chrome');
	const report = join(extension, 'A report with a rather long name, as scanners make them 2026-11-21.csv');
	writeFileSync(report, 'x'.repeat(123_456));
	const url = `${await servePage(tides)}/`;
	const context = await profile(extension);
	const options = await openOwn(context, 'options.html');
	const asks = (ask: string, asked: object) =>
		options.evaluate(([ask, asked]) => chrome.runtime.sendMessage({ ask, with: asked }).then(({ ok }) => ok), [
			ask,
			asked,
		] as const);
	await asks('signUp', { name: longName });
	await asks('createGroup', { name: 'The reading circle of the library of Sigmaringen' });
	const ada = await Reader.open(await context.newPage(), url);
	const shoot = (name: string, page = ada.page) => shootAll(page, name);
	await ada.select('two high waters');
	await ada.find('combobox', 'Who can see it');
	await shoot('bar-group');
	await ada.mark('blue', 'two high waters');
	await ada.clickText('two high waters');
	await ada.click('button', 'Add a note');
	await ada.page.keyboard.insertText('As the tables have it.');
	const chosen = ada.page.waitForEvent('filechooser');
	await ada.click('button', 'Attach files: Note');
	await (await chosen).setFiles([join(extension, 'icon-128.png'), report]);
	await ada.find('button', 'Remove icon-128.png');
	await shoot('files-chosen');
	await ada.click('button', 'Save note');
	await ada.find('button', /^icon-128\.png .*kB$/);
	await ada.says('Checked: it stands in the page as marked');
	await ada.type('Reply', 'And the scan');
	await ada.drop('textbox', 'Reply', report);
	await ada.page.keyboard.press('Control+Enter');
	await ada.find('button', 'Delete this reply');
	await shoot('files');
	const id = await asks('settings', { origin: '' }).then(async ({ group }) => {
		const token = (await options.evaluate(() => chrome.storage.local.get('identity'))) as {
			identity: { token: string };
		};
		const headers = { Authorization: `Bearer ${token.identity.token}`, 'Content-Type': 'application/json' };
		const listed = await fetch(`${limn.url}/api/v1/highlights?group=${group}`, { headers });
		const { items } = (await listed.json()) as { items: { id: string }[] };
		return items[0]?.id;
	});
	await asks('flag', { url, highlight: id, reason: 'This is about the Baltic, which has no tides to speak of.' });
	await ada.page.bringToFront();
	await ada.click('button', 'Close');
	await ada.clickText('two high waters');
	await ada.says('about the Baltic');
	await shoot('flagged-card');
	const side = await openOwn(context, `side.html?tab=${await tabOf(context, url)}`);
	await side.getByRole('tab', { name: 'Flagged' }).click();
	await side.getByText('about the Baltic').waitFor();
	await shoot('flagged', side);
	await side.getByRole('button', { name: 'Hide', exact: true }).click();
	await side.getByRole('button', { name: 'Show again' }).waitFor();
	await ada.page.bringToFront();
	await ada.says('Hidden: only those');
	await shoot('hidden');
});

test('signing in, and the names that cannot be had', async () => {
	const limn = await Limn.start();
	await limn.signUp(longName, 'correct horse');
	const url = `${await servePage(tides)}/`;
	const context = await profile(limn.extension('chrome'), { fresh: true });
	const options = await openOwn(context, 'options.html');
	await options.getByLabel('Your name').fill(longName);
	await options.getByRole('button', { name: 'Continue' }).click();
	await options.getByText('is taken').waitFor();
	await shootAll(options, 'options-taken');
	const ada = await Reader.open(await context.newPage(), url);
	const popup = await context.newPage();
	const tab = await tabOf(context, url);
	await popup.addInitScript((tab) => {
		chrome.tabs.query = async () => [await chrome.tabs.get(tab)];
	}, tab);
	await popup.goto(options.url().replace('options.html', 'popup.html'));
	await popup.setViewportSize({ width: 300, height: 420 });
	await popup.getByText('Turn limn on').waitFor();
	for (const colorScheme of ['light', 'dark'] as const) {
		await popup.emulateMedia({ colorScheme });
		await popup.screenshot({ path: join(folder, `popup-first-${colorScheme}.png`) });
	}
	await popup.getByRole('checkbox').check();
	await ada.page.bringToFront();
	await ada.is('Live');
	await ada.mark('yellow', 'two high waters');
	await ada.type('Name', longName);
	await ada.click('button', 'Continue');
	await ada.says('is taken');
	await shootAll(ada.page, 'name-taken');
	const opened = context.waitForEvent('page');
	await ada.click('button', 'I have a name here already');
	const window = await opened;
	await window.getByLabel('Password').waitFor();
	await shootAll(window, 'signin');
	await window.getByLabel('Name').fill(longName);
	await window.getByLabel('Password').fill('wrong horse');
	await window.getByRole('button', { name: 'Sign in' }).click();
	await window.getByRole('alert').waitFor();
	await shootAll(window, 'signin-wrong');
	await window.getByLabel('Password').fill('correct horse');
	await window.getByRole('button', { name: 'Sign in' }).click();
	await window.getByRole('button', { name: 'Let it' }).waitFor();
	await shootAll(window, 'signin-let');
	await window.getByRole('button', { name: 'Let it' }).click();
	await ada.paints(['yellow: two high waters']);
	await popup.bringToFront();
	await popup.reload();
	await popup.getByText(`You are ${longName}`).waitFor();
	for (const colorScheme of ['light', 'dark'] as const) {
		await popup.emulateMedia({ colorScheme });
		await popup.screenshot({ path: join(folder, `popup-on-${colorScheme}.png`) });
	}
});

test('the panel with all that it has', async () => {
	const limn = await Limn.start();
	const url = `${await servePage(tides)}/`;
	const context = await profile(limn.extension('chrome'));
	const ada = await Reader.open(await context.newPage(), url);
	await ada.mark('yellow', 'two high waters');
	await ada.name('Ada');
	await ada.clickText('two high waters');
	await ada.type('Tag', 'to read again');
	await ada.page.keyboard.press('Enter');
	await ada.page.keyboard.press('Escape');
	await ada.mark('green', 'The moon pulls the sea');
	await ada.mark('pink', 'the earth turns beneath');
	await limn.highlight(longName, url, 'blue', '/html[1]/body[1]/h1[1]/text()[1]', 0, 5);
	const bob = await limn.signUp('Bob');
	await bob.write(url, 'Does anybody know the *Gulf of Mexico*? It has one tide a day.');
	await bob.write(url, `${'A long thought on the tides of narrow seas, and of wide ones. '.repeat(8)}`);
	const side = await openOwn(context, `side.html?tab=${await tabOf(context, url)}`);
	await side.locator('.entry:visible').nth(3).waitFor();
	await shootAll(side, 'side-full');
	await side.getByLabel('Author').selectOption('Ada');
	await side.getByLabel('Search').fill('moon');
	await shootAll(side, 'side-filtered');
	await side.getByLabel('Search').fill('the sun');
	await side.getByText('No highlight fits').waitFor();
	await shootAll(side, 'side-none');
	await side.getByRole('button', { name: 'Show all' }).click();
	await side.getByRole('tab', { name: /^Discussion/ }).click();
	await shootAll(side, 'side-talk');
	await ada.page.evaluate(() => document.querySelectorAll('p')[1]?.remove());
	await side.getByRole('tab', { name: 'Highlights' }).click();
	await side.getByText('Lost its place').waitFor();
	await shootAll(side, 'side-lost');
	await side.getByRole('button', { name: 'Put it back here' }).first().click();
	await ada.page.bringToFront();
	await ada.select('a day, and two low ones');
	await ada.find('button', 'Put it back here');
	await shootAll(ada.page, 'put-back-extension');
	await limn.stop();
	await ada.is('Offline');
	await side.bringToFront();
	await side.getByText('limn is offline.').waitFor();
	await shootAll(side, 'side-cut');
});

test('embed.js on a page, from right to left and dark', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const url = await servePage(`<!doctype html><html dir="rtl" lang="ar"><meta charset="utf-8"><title>المد</title>
		<meta name="viewport" content="width=device-width"><script src="${limn.url}/embed.js" defer></script>
		<body style="font: 18px/30px serif; max-width: 36em; margin: 2em; background: #10231c; color: #dfe9e4">
		<h1>المد والجزر</h1><p>يجذب القمر البحر نحوه، وتدور الأرض تحته.</p>`);
	const ada = await open(url, { reducedMotion: 'reduce' });
	await ada.select('القمر البحر');
	await ada.find('button', 'Highlight in yellow');
	await shootAll(ada.page, 'embed-bar');
	await ada.mark('yellow', 'القمر البحر');
	await ada.name('ليلى');
	await ada.clickText('القمر البحر');
	await ada.says('Checked: it stands in the page as marked');
	await shootAll(ada.page, 'embed-card');
	await ada.page.keyboard.press('Escape');
	await ada.click('button', /^limn: Live/);
	await ada.says('1 highlight');
	await shootAll(ada.page, 'embed-panel');
});

/** The tab that shows a page in which limn is. */
async function tabOf(context: BrowserContext, url: string): Promise<number> {
	const own = context.pages().find((page) => page.url().startsWith('chrome-extension:'));
	const find = async (url: string) => {
		for (const { id } of await chrome.tabs.query({})) {
			const state = await chrome.tabs.sendMessage(id ?? 0, { tell: 'state' }, { frameId: 0 }).catch(() => null);
			if (state && url) return id ?? 0;
		}
		return 0;
	};
	return (await own?.evaluate(find, url)) ?? 0;
}

test.each([
	['de', 'Live'],
	['es', 'En vivo'],
	['zh-CN', '实时'],
])('in %s', async (language, live) => {
	const limn = await Limn.start();
	const context = await profile(limn.extension('chrome'), { language });
	const url = await servePage(`<!doctype html><title>Tides</title><body><p>The moon pulls the sea.</p>`);
	const ada = await Reader.open(await context.newPage(), url);
	await ada.says(live);
	const options = await openOwn(context, 'options.html');
	await options.locator('#form').waitFor();
	await options.screenshot({ path: join(folder, `options-${language}.png`), fullPage: true });
});

test('from right to left', async () => {
	const limn = await Limn.start();
	const extension = limn.extension('chrome');
	const messages = join(extension, '_locales/en/messages.json');
	writeFileSync(
		messages,
		readFileSync(messages, 'utf8').replace('"direction":{"message":"ltr"}', '"direction":{"message":"rtl"}'),
	);
	const context = await profile(extension);
	const url = await servePage(`<!doctype html><html dir="rtl" lang="ar"><meta charset="utf-8"><title>المد</title>
		<body style="font: 18px/30px serif; max-width: 36em; margin: 3em auto"><h1>المد والجزر</h1><p>يجذب القمر البحر نحوه، وتدور الأرض تحته.</p>`);
	const ada = await Reader.open(await context.newPage(), url);
	await ada.mark('yellow', 'القمر البحر');
	await ada.name('ليلى');
	await ada.clickText('القمر البحر');
	await ada.type('Reply', 'هل هذا صحيح؟');
	await ada.page.keyboard.press('Control+Enter');
	await ada.says('هل هذا صحيح؟');
	await ada.page.screenshot({ path: join(folder, 'rtl-card.png') });
	await ada.page.keyboard.press('Escape');
	await ada.click('button', /^limn: Live/);
	await ada.page.screenshot({ path: join(folder, 'rtl-panel.png') });
});
