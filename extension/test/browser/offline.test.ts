import { expect, test } from 'vitest';
import { profile } from './chromium.ts';
import { Reader } from './limn.ts';
import { folder, Limn, servePage } from './server.ts';

const article = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tides</title></head>
<body style="font: 18px/28px serif; margin: 4em"><h1>Tides</h1>
<p>The moon pulls the sea towards it, and the earth turns beneath.</p>
<p>So each harbour sees two high waters a day, and two low ones.</p></body></html>`;

interface Stored {
	color: string;
	note: string;
	ranges: { quote: { exact: string } }[];
}

async function stored(limn: Limn, url: string): Promise<Stored[]> {
	const response = await fetch(`${limn.url}/api/v1/highlights?url=${encodeURIComponent(url)}`);
	return ((await response.json()) as { items: Stored[] }).items;
}

test('without the server one goes on, and all of it arrives once and in order, even after the browser was closed', async () => {
	const limn = await Limn.start();
	const url = `${await servePage(article)}/`;
	const extension = limn.extension('chrome');
	const dir = folder('profile');
	let context = await profile(extension, { dir });
	let ada = await Reader.open(await context.newPage(), url);
	await ada.mark('yellow', 'The moon pulls');
	await ada.name('Ada');
	await ada.paints(['yellow: The moon pulls']);
	await expect.poll(() => stored(limn, url)).toHaveLength(1);

	await limn.stop();
	await ada.is('Offline');
	await ada.mark('green', 'two high waters');
	await ada.mark('pink', 'the earth turns');
	await ada.clickText('two high waters');
	await ada.says('Not sent yet. limn tries again when the server answers.');
	await ada.click('radio', 'Blue');
	await ada.click('button', 'Add a note');
	await ada.focused('textbox', 'Note');
	await ada.page.keyboard.insertText('written at sea');
	await ada.page.keyboard.press('Control+Enter');
	await ada.says('written at sea');
	await ada.type('Reply', 'and answered there');
	await ada.page.keyboard.press('Control+Enter');
	await ada.says('and answered there');
	await ada.page.keyboard.press('Escape');
	await ada.clickText('the earth turns');
	await ada.click('button', 'Delete');
	const left = ['yellow: The moon pulls', 'blue: two high waters'];
	await ada.paints(left);
	await ada.says(/changes are not sent yet\.$/);

	// A reload has it all, and so has the browser after it was closed. The server is still away.
	await ada.page.reload();
	await ada.paints(left);
	await context.close();
	context = await profile(extension, { dir });
	ada = await Reader.open(await context.newPage(), url);
	await ada.paints(['blue: two high waters']);
	await ada.clickText('two high waters');
	await ada.says('written at sea');
	await ada.says('and answered there');

	await limn.start();
	await ada.is('Live');
	await expect.poll(() => stored(limn, url), { timeout: 30_000 }).toHaveLength(2);
	await ada.says(/^limn: Live\. [^◷]*Here now: Ada \(you\)\.$/);
	const [sent] = (await stored(limn, url)).filter(({ color }) => color === 'blue');
	expect(sent).toMatchObject({ note: 'written at sea', ranges: [{ quote: { exact: 'two high waters' } }], replies: 1 });
	await ada.says('Checked: it stands in the page as marked');
	await ada.paints(left);
});

test('an answer that is lost on the way does not make two of one', async () => {
	const limn = await Limn.start();
	const url = `${await servePage(article)}/`;
	const context = await profile(limn.extension('chrome'));
	const ada = await Reader.open(await context.newPage(), url);
	await ada.mark('yellow', 'The moon pulls');
	await ada.name('Ada');
	await ada.paints(['yellow: The moon pulls']);

	// The request arrives, and its answer does not.
	let lost = 0;
	await context.route('**/api/v1/operations', async (route) => {
		if (lost++ > 0) return route.continue();
		await route.fetch();
		return route.abort();
	});
	await ada.mark('green', 'two high waters');
	await expect.poll(() => lost).toBeGreaterThan(0);
	await ada.mark('pink', 'the earth turns');
	await expect.poll(() => stored(limn, url)).toHaveLength(3);
	await ada.paints(['yellow: The moon pulls', 'green: two high waters', 'pink: the earth turns']);
	await ada.says(/Here now: Ada \(you\)\.$/);
});

test('a note that was changed elsewhere meanwhile is shown beside what was written offline', async () => {
	const limn = await Limn.start();
	const url = `${await servePage(article)}/`;
	const extension = limn.extension('chrome');
	const desk = await profile(extension);
	const ada = await Reader.open(await desk.newPage(), url);
	await ada.mark('yellow', 'The moon pulls');
	await ada.name('Ada');
	await ada.paints(['yellow: The moon pulls']);
	await expect.poll(() => stored(limn, url)).toHaveLength(1);
	// The same person at another machine.
	const phones = await profile(extension);
	const identity = await desk.serviceWorkers()[0]?.evaluate(() => chrome.storage.local.get('identity'));
	await phones.serviceWorkers()[0]?.evaluate((identity) => chrome.storage.local.set(identity), identity ?? {});
	const phone = await Reader.open(await phones.newPage(), url);
	await phone.paints(['yellow: The moon pulls']);

	await desk.setOffline(true);
	await ada.is('Offline');
	const write = async (reader: Reader, text: string) => {
		await reader.clickText('The moon pulls');
		await reader.click('button', 'Add a note');
		await reader.focused('textbox', 'Note');
		await reader.page.keyboard.insertText(text);
		await reader.page.keyboard.press('Control+Enter');
		await reader.says(text);
	};
	await write(ada, 'from the desk');
	await ada.says('Not sent yet. limn tries again when the server answers.');
	await write(phone, 'from the phone');
	await expect.poll(async () => (await stored(limn, url))[0]?.note).toBe('from the phone');
	await desk.setOffline(false);
	await ada.says('This note was changed meanwhile.');
	await ada.says('from the phone');
	await ada.says('from the desk');
	await ada.click('button', 'Keep mine');
	await phone.says('from the desk');
	await expect.poll(() => ada.words()).not.toContainEqual('This note was changed meanwhile.');
});
