import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openOwn, profile } from './chromium.ts';
import { Reader } from './limn.ts';
import { Limn, servePage } from './server.ts';

const article = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tides</title></head>
<body style="font: 18px/28px serif; margin: 4em"><p>The moon pulls the sea towards it, and the earth turns beneath.</p></body></html>`;

/** A PDF of one empty page. */
const pdf = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]>>endobj
trailer<</Root 1 0 R>>
%%EOF`;

async function servePDF(): Promise<string> {
	const server = createServer((_, response) => response.writeHead(200, { 'Content-Type': 'application/pdf' }).end(pdf));
	await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
	onTestFinished(() => {
		server.closeAllConnections();
		server.close();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/tides.pdf`;
}

test('the key and the menu highlight, and a PDF says that it cannot be', async () => {
	const limn = await Limn.start();
	const context = await profile(limn.extension('chrome'), { fresh: true });
	const worker = context.serviceWorkers()[0];
	const ada = await Reader.open(await context.newPage(), `${await servePage(article)}/`);

	// Where limn is off, the command turns it on. The browser's own keys do not come through a driver.
	await ada.select('The moon pulls');
	await worker?.evaluate(async (url) => {
		const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
		const pressed = chrome.commands.onCommand as unknown as { dispatch(name: string, tab: object): void };
		pressed.dispatch('mark', { ...tab, url }); // the address is what a real key would let it see
	}, ada.page.url());
	await ada.name('Ada');
	await ada.paints(['yellow: The moon pulls']);
	await ada.select('the earth turns');
	await worker?.evaluate(async () => {
		const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
		const clicked = chrome.contextMenus.onClicked as unknown as { dispatch(info: object, tab: object): void };
		clicked.dispatch({ menuItemId: 'mark', frameId: 0 }, tab ?? {});
	});
	await ada.paints(['yellow: The moon pulls', 'yellow: the earth turns']);
	const commands = await worker?.evaluate(() => chrome.commands.getAll());
	expect(commands?.map(({ name, shortcut }) => [name, shortcut])).toEqual(
		expect.arrayContaining([
			['mark', 'Alt+Shift+H'],
			['side', 'Alt+Shift+L'],
		]),
	);

	const reading = await context.newPage();
	await reading.goto(await servePDF());
	const tab = await worker?.evaluate(
		async () => (await chrome.tabs.query({ active: true, currentWindow: true }))[0]?.id,
	);
	const side = await openOwn(context, `side.html?tab=${tab}`);
	await side.getByText('PDFs cannot be highlighted yet.').waitFor();
});
