import { expect, test } from 'vitest';
import { profile } from './chromium.ts';
import { Reader } from './limn.ts';
import { Limn, servePage } from './server.ts';

const app = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>One</title></head>
<body style="font: 18px/28px serif; margin: 4em"><p id="text">The text of route one.</p>
<script>
addEventListener('pageshow', (event) => { document.documentElement.dataset.persisted = event.persisted; });
function route(name) {
	document.title = name;
	document.getElementById('text').textContent = 'The text of route ' + name + '.';
}
function go(path, name) { history.pushState({ name }, '', path); route(name); }
addEventListener('popstate', (event) => route(event.state?.name ?? 'one'));
function canonical(href) {
	document.querySelector('link[rel=canonical]')?.remove();
	if (href) document.head.append(Object.assign(document.createElement('link'), { rel: 'canonical', href }));
}
</script></body></html>`;

test('routes, history and the back/forward cache lead to the right page', async () => {
	const limn = await Limn.start();
	const site = await servePage(app);
	const context = await profile(limn.extension('chrome'));
	const ada = await Reader.open(await context.newPage(), `${site}/one`);
	const bob = await limn.signUp('Bob');
	for (const path of ['/one', '/two', '/#/three'])
		await bob.mark(site + path, 'yellow', '/html[1]/body[1]/p[1]/text()[1]', 0, 8);
	await ada.paints(['yellow: The text']);
	await ada.mark('green', 'route one');
	await ada.name('Ada');
	await ada.paints(['yellow: The text', 'green: route one']);

	// Another route is another page, and its highlights are its own.
	const go = (path: string, name: string) => ada.page.evaluate(`go('${path}', '${name}')`);
	await go('/two?utm_source=x', 'two');
	await ada.paints(['yellow: The text']);
	await ada.mark('blue', 'route two');
	await ada.paints(['yellow: The text', 'blue: route two']);
	await go('/empty', 'empty');
	await ada.paints([]);
	await ada.page.goBack();
	await ada.paints(['yellow: The text', 'blue: route two']);
	await ada.page.goBack();
	await ada.paints(['yellow: The text', 'green: route one']);
	await ada.page.goForward();
	await ada.paints(['yellow: The text', 'blue: route two']);

	// A fragment is no page, unless it is a route.
	await go('/one#part', 'one');
	await ada.paints(['yellow: The text', 'green: route one']);
	await go('/#/three', 'three');
	await ada.paints(['yellow: The text']);

	// Away and back: the page comes out of the browser's cache as it was, and reads again what happened.
	await ada.page.goto(`${site}/one`);
	await ada.paints(['yellow: The text', 'green: route one']);
	await ada.page.goto(`${site}/two`);
	await bob.mark(`${site}/one`, 'pink', '/html[1]/body[1]/p[1]/text()[1]', 4, 8);
	await ada.page.goBack({ waitUntil: 'commit' }); // what comes out of the cache does not load
	await ada.paints(['yellow: The text', 'green: route one', 'pink: text']);
	expect(await ada.page.evaluate(() => document.documentElement.dataset.persisted)).toBe('true');
});

test('a page is what it declares to be, within its site and not as the site itself', async () => {
	const limn = await Limn.start();
	const site = await servePage(app);
	const context = await profile(limn.extension('chrome'));
	const bob = await limn.signUp('Bob');
	const [mark, at] = ['/html[1]/body[1]/p[1]/text()[1]', (path: string) => site + path] as const;
	await bob.mark(at('/declared'), 'green', mark, 0, 3);
	await bob.mark(at('/'), 'red', mark, 0, 3);
	await bob.mark(at('/own'), 'blue', mark, 0, 3);
	const cases = [
		['/declared', 'green: The'],
		['/', 'blue: The'], // templates declare the site's root for every page
		['https://example.org/elsewhere', 'blue: The'],
		['', 'blue: The'],
	] as const;
	for (const [declared, painted] of cases) {
		const page = await context.newPage();
		await page.addInitScript((href) => {
			document.addEventListener('DOMContentLoaded', () =>
				(globalThis as unknown as { canonical(href: string): void }).canonical(href),
			);
		}, declared);
		const ada = await Reader.open(page, at('/own'));
		await ada.paints([painted]);
		await page.close();
	}
});

test('a frame of the same site can be marked, and what is edited is left alone', async () => {
	const limn = await Limn.start();
	const site = await servePage((path) =>
		path === '/frame'
			? '<!doctype html><title>Inner</title><p>The text within.</p>'
			: '<!doctype html><title>Outer</title><p contenteditable>Edited text here</p><input value="typed text"><iframe src="/frame" width=600 height=300></iframe>',
	);
	const context = await profile(limn.extension('chrome'));
	const bob = await limn.signUp('Bob');
	await bob.mark(`${site}/frame`, 'blue', '/html[1]/body[1]/p[1]/text()[1]', 4, 8);
	const ada = await Reader.open(await context.newPage(), `${site}/`);
	await ada.is('Live');
	const frame = ada.page.frames()[1];
	const painted = () =>
		frame?.evaluate(() => [...CSS.highlights].flatMap(([name, r]) => [...r].map((range) => `${name}: ${range}`)));
	await expect.poll(painted).toEqual(['limn-blue: text']);

	// The command marks in the frame that has the focus.
	await frame?.evaluate(() => getSelection()?.selectAllChildren(document.querySelector('p') as Element));
	await frame?.locator('p').click({ position: { x: 2, y: 2 } });
	await frame?.evaluate(() => getSelection()?.selectAllChildren(document.querySelector('p') as Element));
	const command = () =>
		context.serviceWorkers()[0]?.evaluate(async () => {
			for (const { id } of await chrome.tabs.query({})) {
				await chrome.tabs.sendMessage(id ?? 0, { tell: 'mark' }).catch(() => {});
			}
		});
	await command();
	const focused = () => frame?.evaluate(() => document.activeElement?.localName);
	await expect.poll(focused).toBe('limn-host'); // the name is asked for within the frame
	await ada.page.keyboard.insertText('Ada');
	await ada.page.keyboard.press('Enter');
	await expect.poll(painted).toContain('limn-yellow: The text within.');

	await ada.page.locator('[contenteditable]').click({ clickCount: 3 });
	expect(await ada.has('button', 'Highlight in yellow')).toBe(false);
	await ada.page.locator('input').click({ clickCount: 3 });
	expect(await ada.has('button', 'Highlight in yellow')).toBe(false);
	await command();
	await ada.says('Select some text first.');
	expect(await ada.painted()).toEqual([]);
});
