import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openOwn, profile } from './chromium.ts';
import { Reader } from './limn.ts';
import { folder, Limn, servePage } from './server.ts';

const article = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tides</title></head>
<body style="font: 18px/28px serif; margin: 4em; max-width: 30em"><h1>Tides</h1>
<p>The moon pulls the sea towards it, and the earth turns beneath.</p></body></html>`;

interface Filed {
	attachments?: { name: string; type: string; size: number }[];
}

/** Two pages with a strict policy: no picture may be loaded, and no request made. */
const policy = { 'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'" };

test('files come with a note and with replies, also offline, and go again', async () => {
	const limn = await Limn.start();
	const url = `${await servePage(article, policy)}/`;
	const extension = limn.extension('chrome');
	const picture = join(extension, 'icon-128.png');
	const report = join(folder('files'), 'report.txt');
	const large = join(folder('files'), 'large.bin');
	writeFileSync(report, 'High water at six.\n');
	writeFileSync(large, new Uint8Array((10 << 20) + 1));
	const stored = async () => {
		const response = await fetch(`${limn.url}/api/v1/highlights?url=${encodeURIComponent(url)}`);
		const { items } = (await response.json()) as { items: Filed[] };
		return items[0]?.attachments?.map(({ name }) => name).sort() ?? [];
	};
	const context = await profile(extension);
	const ada = await Reader.open(await context.newPage(), url);
	await ada.mark('yellow', 'The moon pulls');
	await ada.name('Ada');
	await ada.clickText('The moon pulls');
	await ada.says('Checked: it stands in the page as marked');

	// By the button, with a note; what is too large is said and left out.
	await ada.click('button', 'Add a note');
	const chosen = ada.page.waitForEvent('filechooser');
	await ada.click('button', 'Attach files: Note');
	await (await chosen).setFiles([picture, report, large]);
	await ada.says('large.bin is too large: a file may have at most 10 MB.');

	// And from the clipboard.
	await context.grantPermissions(['clipboard-write']);
	await ada.page.evaluate(async () => {
		const canvas = new OffscreenCanvas(4, 4);
		canvas.getContext('2d');
		await navigator.clipboard.write([new ClipboardItem({ 'image/png': canvas.convertToBlob() })]);
	});
	await ada.type('Note', 'As the tables have it.');
	await ada.page.keyboard.press('Control+V');
	await ada.find('button', 'Remove image.png');
	await ada.click('button', 'Save note');
	await expect.poll(stored).toEqual(['icon-128.png', 'image.png', 'report.txt']);
	await ada.find('button', /^icon-128\.png .*kB$/);

	// Others see them, and have them.
	const bobs = await profile(extension);
	const bob = await Reader.open(await bobs.newPage(), url);
	await bob.clickText('The moon pulls');
	await bob.find('button', /^report\.txt 1 kB$/);
	expect(await bob.has('button', 'Remove report.txt')).toBe(false);
	const saved = bob.page.waitForEvent('download');
	await bob.click('button', /^report\.txt/);
	expect((await saved).suggestedFilename()).toBe('report.txt');

	// Dropped into a reply while the server is away: kept through a reload, and sent when it is back.
	await limn.stop();
	await ada.is('Offline');
	await ada.type('Reply', 'See the tables');
	await ada.drop('textbox', 'Reply', report);
	await ada.find('button', 'Remove report.txt');
	await ada.page.keyboard.press('Control+Enter');
	await ada.says('2 changes are not sent yet.');
	await ada.page.reload();
	await ada.clickText('The moon pulls');
	await ada.find('button', /^report\.txt ◷/);
	await limn.start();
	await ada.is('Live');
	await expect
		.poll(async () => (await bob.words()).filter((words) => words.startsWith('report.txt 1 kB')).length, {
			timeout: 40_000,
		})
		.toBe(2);

	// Taken away.
	await ada.click('button', 'Remove icon-128.png');
	await expect.poll(stored).toEqual(['image.png', 'report.txt']);
	await expect.poll(() => bob.has('button', /^icon-128/)).toBe(false);
});

test('a member flags, and who moderates hides, shows again and dismisses', async () => {
	const limn = await Limn.start();
	const url = `${await servePage(article, policy)}/`;
	const extension = limn.extension('chrome');
	const [adas, bobs] = [await profile(extension), await profile(extension)];
	const options = await openOwn(adas, 'options.html');
	const asks = (page: typeof options, ask: string, asked: object) =>
		page.evaluate(([ask, asked]) => chrome.runtime.sendMessage({ ask, with: asked }).then(({ ok }) => ok), [
			ask,
			asked,
		] as const);
	await asks(options, 'signUp', { name: 'Ada' });
	const group = (await asks(options, 'createGroup', { name: 'Reading circle' })) as { id: string };
	const link = (await asks(options, 'invite', { group: group.id })) as string;
	const bobsOptions = await openOwn(bobs, 'options.html');
	await asks(bobsOptions, 'signUp', { name: 'Bob' });
	await asks(bobsOptions, 'joinGroup', { code: new URL(link).hash.slice(1) });
	const ada = await Reader.open(await adas.newPage(), url);
	const bob = await Reader.open(await bobs.newPage(), url);
	await bob.mark('pink', 'The moon pulls');
	await ada.paints(['pink: The moon pulls']);
	await ada.page.bringToFront();
	await ada.mark('green', 'the earth turns');
	await bob.paints(['pink: The moon pulls', 'green: the earth turns']);

	// A member cannot hide, but can say why somebody should.
	await bob.page.bringToFront();
	await bob.clickText('the earth turns');
	await bob.find('dialog', 'Highlight');
	expect(await bob.has('button', 'Hide')).toBe(false);
	await bob.click('button', 'Flag');
	await bob.type('What is wrong with it?', 'Off the subject');
	await bob.page.keyboard.press('Control+Enter');
	await bob.says('Flagged. Those who moderate the group will look at it.');

	// The panel lists it, and the card says why.
	const tab = await options.evaluate(
		async () => (await chrome.tabs.query({ active: true, currentWindow: true }))[0]?.id,
	);
	const side = await openOwn(adas, `side.html?tab=${tab}`);
	await side.getByRole('tab', { name: 'Flagged' }).click();
	await side.getByText('Off the subject').waitFor();
	await side.getByRole('button', { name: 'Hide', exact: true }).click();
	await side.getByRole('button', { name: 'Show again' }).waitFor();
	await bob.paints(['pink: The moon pulls']);
	await ada.page.bringToFront();
	await ada.clickText('the earth turns');
	await ada.says('Hidden: only those who moderate the group see it');
	await ada.says('Bob: Off the subject');
	await ada.click('button', 'Show again');
	await bob.paints(['pink: The moon pulls', 'green: the earth turns']);
	await ada.click('button', 'Dismiss the flags');
	await expect.poll(() => ada.words()).not.toContainEqual('Bob: Off the subject');
	await side.bringToFront();
	await side.getByRole('tab', { name: 'Highlights' }).click();
	await side.getByRole('tab', { name: 'Flagged' }).click();
	await side.getByText('Nothing is flagged.').waitFor();
});
