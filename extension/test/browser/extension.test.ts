import type { BrowserContext, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openOwn, profile } from './chromium.ts';
import { Reader } from './limn.ts';
import { Limn, servePage } from './server.ts';

/** An article under a strict policy that builds its text anew, as pages made with React do. */
const article = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tides</title></head>
<body style="font: 18px/28px serif; max-width: 36em; margin: 2em auto">
<h1>Tides</h1>
<article id="root">
<p>The moon pulls the sea towards it, and the earth turns beneath.</p>
<p>So each harbour sees <em>two</em> high waters a day 🌊, and two low ones.</p>
</article>
<button id="render">Render</button>
<script nonce="x">
document.getElementById('render').onclick = () => {
	const root = document.getElementById('root');
	const html = root.innerHTML;
	root.replaceChildren();
	requestAnimationFrame(() => { root.innerHTML = html; });
};
</script>
</body></html>`;
const policy = {
	'Content-Security-Policy': "default-src 'none'; script-src 'nonce-x'; style-src 'unsafe-inline'; connect-src 'none'",
};

async function openIn(context: BrowserContext, url: string): Promise<Reader> {
	return Reader.open(await context.newPage(), url);
}

test('two people with the extension read one page together', async () => {
	const limn = await Limn.start();
	const page = await servePage(article, policy);
	const extension = limn.extension('chrome');
	const [adas, bobs] = [await profile(extension), await profile(extension)];
	const ada = await openIn(adas, `${page}/tides?utm_source=mail#top`);
	const bob = await openIn(bobs, `${page}/tides`);
	await Promise.all([ada.is('Live'), bob.is('Live')]);

	await ada.mark('yellow', 'the sea towards', 'two');
	await ada.name('Ada');
	await Promise.all(
		[ada, bob].map((reader) => reader.paintsOnce(/^yellow: the sea towards it[\s\S]+harbour sees two$/)),
	);
	await bob.mark('blue', 'waters a day 🌊');
	await bob.name('Bob');
	await ada.paintsOnce('blue: waters a day 🌊');
	await ada.find('button', /Here now: Ada \(you\) and Bob\.$/);

	// The server has read the page, too.
	await bob.clickText('waters a day');
	await bob.says('Checked: it stands in the page as marked');
	await bob.page.keyboard.press('Escape');

	// The page throws its nodes away and makes new ones.
	const painted = await bob.painted();
	await bob.page.click('#render');
	await expect.poll(() => bob.painted()).toEqual(painted);
	await ada.clickText('waters a day');
	await ada.type('Reply', 'Not everywhere: see the Gulf of Mexico.');
	await ada.page.keyboard.press('Control+Enter');
	await bob.clickText('waters a day');
	await bob.says('Not everywhere: see the Gulf of Mexico.');

	// What only Ada may see stays with her, in every tab of hers.
	await ada.select('The moon pulls');
	await ada.choose('Who can see it', 'Only me');
	await ada.click('button', 'Highlight in pink');
	await ada.paintsOnce('pink: The moon pulls');
	const second = await openIn(adas, `${page}/tides`);
	await second.paintsOnce('pink: The moon pulls');
	expect(await bob.painted()).toEqual(painted);

	await bob.clickText('waters a day');
	await bob.click('button', 'Delete');
	await expect.poll(() => second.painted()).not.toContain('blue: waters a day 🌊');
});

test('pages learn nothing of the extension', async () => {
	const limn = await Limn.start();
	const context = await profile(limn.extension('chrome'));
	const ada = await openIn(context, `${await servePage(article, policy)}/`);
	await ada.mark('green', 'The moon pulls');
	await ada.name('Ada');
	await ada.paintsOnce('green: The moon pulls');

	// The page's own scripts find no token, no resource and no way in.
	const extension = new URL(context.serviceWorkers()[0]?.url() ?? '').host;
	const found = await ada.page.evaluate(async (id) => {
		const reached = await fetch(`chrome-extension://${id}/config.json`).then(
			() => true,
			() => false,
		);
		return {
			reached,
			storage: JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie,
			root: document.querySelector('limn-host')?.shadowRoot ?? null,
			runtime: typeof (globalThis as { chrome?: { runtime?: unknown } }).chrome?.runtime,
		};
	}, extension);
	expect(found).toEqual({ reached: false, storage: '{}', root: null, runtime: 'undefined' });
});

test('a group is founded, joined by a link, and marked for', async () => {
	const limn = await Limn.start();
	const url = `${await servePage(article, policy)}/`;
	const extension = limn.extension('chrome');
	const [adas, bobs, eves] = [await profile(extension), await profile(extension), await profile(extension)];
	const named = async (context: BrowserContext, name: string) => {
		const options = await openOwn(context, 'options.html');
		await options.getByLabel('Your name').fill(name);
		await options.getByRole('button', { name: 'Continue' }).click();
		await options.getByText(`You are ${name}.`).waitFor();
		return options;
	};
	const add = async (options: Page, what: string) => {
		await options.getByLabel('The name of a new group').fill(what);
		await options.getByRole('button', { name: 'Add' }).click();
		await options.getByRole('listitem').filter({ hasText: 'Reading circle' }).waitFor();
	};
	const ada = await named(adas, 'Ada');
	const reader = await openIn(adas, url);
	const outsider = await openIn(eves, url);
	await add(ada, 'Reading circle');
	const link = await ada.evaluate(async () => {
		const { ok } = await chrome.runtime.sendMessage({ ask: 'groups', with: {} });
		return (await chrome.runtime.sendMessage({ ask: 'invite', with: { group: ok[0].id } })).ok as string;
	});
	await reader.page.bringToFront();
	await reader.mark('yellow', 'The moon pulls'); // for the group that was just founded
	await reader.paintsOnce('yellow: The moon pulls');

	// Who joins sees what was marked before, on a page that is open already.
	const bob = await named(bobs, 'Bob');
	const joined = await openIn(bobs, url);
	await joined.is('Live');
	expect(await joined.painted()).toEqual([]);
	await add(bob, link);
	await joined.page.bringToFront();
	await joined.paintsOnce('yellow: The moon pulls');
	await joined.clickText('The moon pulls');
	await joined.says('Reading circle');
	expect(await outsider.painted()).toEqual([]);
});
