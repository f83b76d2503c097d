import { expect, test } from 'vitest';
import { browse } from './chromium.ts';
import { Reader } from './limn.ts';
import { Limn, servePage } from './server.ts';

const page = (limn: Limn) =>
	servePage(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tides</title><script src="${limn.url}/embed.js" defer></script></head>
<body style="font: 18px/28px serif; max-width: 36em; margin: 4em">
<h1>Tides</h1>
<p id="old">The moon pulls the sea towards it.</p>
<p>So each harbour sees two high waters a day, and two low ones.</p>
</body></html>`);

test('what lost its place is put where one selects', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const url = await page(limn);
	const ada = await open(url);
	const bob = await open(url);
	await ada.mark('yellow', 'The moon pulls');
	await ada.name('Ada');
	await bob.paints(['yellow: The moon pulls']);
	for (const { page } of [ada, bob]) await page.evaluate(() => document.getElementById('old')?.remove());
	await ada.paints([]);

	// It is for its author to do.
	await bob.click('button', /^limn: Live/);
	await bob.says('Lost its place');
	expect(await bob.has('button', 'Put it back here')).toBe(false);

	// Select, then press.
	await ada.click('button', /^limn: Live/);
	await ada.says('Lost its place');
	await ada.select('two high waters');
	await ada.click('button', 'Put it back here');
	await Promise.all([ada, bob].map((reader) => reader.paints(['yellow: two high waters'])));
	await ada.click('button', 'History');
	await ada.says('Put back by Ada');
	await ada.says('Made by Ada');
	await ada.page.keyboard.press('Escape');

	// Or press, then select.
	await ada.page.evaluate(() => document.querySelector('p')?.replaceChildren('Two low ones follow.'));
	await ada.paints([]);
	await ada.click('button', /^limn: Live/);
	await ada.click('button', 'Put it back here');
	await ada.says('Select the text where it belongs.');
	await ada.select('low ones');
	expect(await ada.has('button', 'Highlight in yellow')).toBe(false);
	await ada.click('button', 'Put it back here');
	await ada.paints(['yellow: low ones']);
	await ada.find('button', 'History'); // the card opens, and would lie over what is selected next
	await ada.page.keyboard.press('Escape');
	await expect.poll(() => ada.has('button', 'History')).toBe(false);
	await ada.select('follow');
	await ada.find('button', 'Highlight in yellow');
});

test('what moved with its text says so', async () => {
	const limn = await Limn.start();
	const open = await browse();
	let text = '<p>The moon pulls the sea.</p>';
	const url = await servePage(
		() => `<!doctype html><title>Tides</title><script src="${limn.url}/embed.js" defer></script><body>${text}`,
	);
	const ada = await open(url);
	await ada.mark('green', 'moon pulls');
	await ada.name('Ada');
	await ada.clickText('moon pulls');
	await ada.says('Checked: it stands in the page as marked');
	text = `<p>A new beginning.</p>${text}`;
	await limn.checkAgain(url);
	await ada.says('Moved with the text');
	await ada.page.reload();
	await ada.paints(['green: moon pulls']);
	await ada.click('button', /^limn: Live/);
	await ada.says('↷ Moved with the text');
});

test('tags are added and removed, and others see them', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const url = await page(limn);
	const ada = await open(url);
	const bob = await open(url);
	await ada.mark('yellow', 'The moon pulls');
	await ada.name('Ada');
	await ada.clickText('The moon pulls');
	await ada.type('Tag', 'physics');
	await ada.page.keyboard.press('Enter');
	await ada.type('Tag', '#to read');
	await ada.page.keyboard.press('Enter');
	await bob.clickText('The moon pulls');
	await bob.says('physics');
	await bob.says('to read');
	expect(await bob.has('textbox', 'Tag')).toBe(false);
	await ada.click('button', 'Remove the tag physics');
	await expect.poll(() => bob.words()).not.toContainEqual('physics');
});

test('a note is Markdown, and nothing in it is alive', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const url = await page(limn);
	const ada = await open(url);
	await ada.mark('yellow', 'The moon pulls');
	await ada.name('Ada');
	await ada.clickText('The moon pulls');
	await ada.click('button', 'Add a note');
	const hostile = [
		'A *small* **note** with `code` and [a link](https://example.org/tides).',
		'- <img src=x onerror="document.title = 1">',
		'- <svg><script>document.title = 2</script></svg>',
		'- [js](javascript:document.title=3) [data](data:text/html,<script>alert(1)</script>)',
		'- <math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=document.title=4&gt;">',
	].join('\n');
	await ada.page.keyboard.insertText(hostile);
	await ada.page.keyboard.press('Control+Enter');
	await ada.find('link', 'a link');
	await ada.find('emphasis', '');
	await ada.says('<img src=x onerror="document.title = 1">');
	expect(await ada.has('link', 'js')).toBe(false);
	expect(await ada.has('link', 'data')).toBe(false);
	expect(await ada.page.title()).toBe('Tides');
});

test('two notes at once: both are shown, and one is chosen', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const url = await page(limn);
	const desk = await open(url);
	await desk.mark('yellow', 'The moon pulls');
	await desk.name('Ada');
	const phone = await Reader.open(await desk.page.context().newPage(), url);
	await phone.paints(['yellow: The moon pulls']);
	const write = async (reader: Reader, button: string, text: string) => {
		await reader.page.bringToFront();
		await reader.clickText('The moon pulls');
		await reader.click('button', button);
		await reader.focused('textbox', 'Note');
		await reader.page.keyboard.press('Control+A');
		await reader.page.keyboard.insertText(text);
	};
	await write(desk, 'Add a note', 'from the desk');
	await write(phone, 'Add a note', 'from the phone');
	await phone.page.keyboard.press('Control+Enter');
	await desk.page.bringToFront();
	await desk.page.keyboard.press('Control+Enter');
	await desk.says('This note was changed meanwhile.');
	await desk.says('from the phone');
	await desk.click('button', 'Keep mine');
	await phone.says('from the desk');

	await write(phone, 'Edit note', 'again from the phone');
	await write(desk, 'Edit note', 'again from the desk');
	await desk.page.keyboard.press('Control+Enter');
	await expect.poll(() => desk.has('textbox', 'Note')).toBe(false);
	await phone.page.bringToFront();
	await phone.page.keyboard.press('Control+Enter');
	await phone.click('button', 'Take theirs');
	await phone.says('again from the desk');
	await expect.poll(() => phone.has('textbox', 'Note')).toBe(false);
});

test('what is typed outlives the page', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const url = await page(limn);
	const ada = await open(url);
	await ada.mark('yellow', 'The moon pulls');
	await ada.name('Ada');
	await ada.clickText('The moon pulls');
	await ada.type('Reply', 'half a rep');
	await ada.page.reload();
	await ada.paints(['yellow: The moon pulls']);
	await ada.clickText('The moon pulls');
	const box = await ada.find('textbox', 'Reply');
	expect(box.value?.value).toBe('half a rep');
});

test('undoing a deletion brings the thread back', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open(await page(limn));
	await ada.mark('yellow', 'The moon pulls');
	await ada.name('Ada');
	await ada.clickText('The moon pulls');
	await ada.type('Reply', 'Is that so?');
	await ada.page.keyboard.press('Control+Enter');
	await ada.says('Is that so?');
	await ada.click('button', 'Delete');
	await ada.paints([]);
	await ada.click('button', 'Undo');
	await ada.paints(['yellow: The moon pulls']);
	await ada.clickText('The moon pulls');
	await ada.says('Is that so?');
});
