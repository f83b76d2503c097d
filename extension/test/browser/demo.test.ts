import { expect, test } from 'vitest';
import { browse } from './chromium.ts';
import { Limn } from './server.ts';

const sentence = 'The margin was there because a book was expected to be answered.';

test('two windows highlight one page together', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open(`${limn.url}/demo`);
	const bob = await open(`${limn.url}/demo`);
	await Promise.all([ada.is('Live'), bob.is('Live')]);

	// A name is asked for once, and a taken one says so.
	await ada.mark('yellow', sentence);
	await ada.name('Ada');
	await ada.paints([`yellow: ${sentence}`]);
	await bob.paints([`yellow: ${sentence}`]);
	await bob.mark('blue', 'To limn was to paint with gold and color');
	await bob.name('ada');
	await bob.says('The name ada is taken.');
	await bob.name('Bob');
	const both = [`yellow: ${sentence}`, 'blue: To limn was to paint with gold and color'];
	await Promise.all([ada.paints(both), bob.paints(both)]);
	await ada.find('button', /Here now: Ada \(you\) and Bob\.$/);

	// The server has read the page itself.
	await bob.clickText(sentence);
	await bob.says('Checked: it stands in the page as marked');

	// A reply, a note and another color arrive; the keyboard saves.
	await bob.type('Reply', 'does this hold outside the lab?');
	await bob.page.keyboard.press('Control+Enter');
	await ada.clickText(sentence);
	await ada.says('does this hold outside the lab?');
	await ada.click('button', 'Add a note');
	await ada.focused('textbox', 'Note');
	await ada.page.keyboard.insertText('It did in Bologna.');
	await ada.page.keyboard.press('Control+Enter');
	await bob.says('It did in Bologna.');
	await ada.click('radio', 'Green');
	await bob.paints([`green: ${sentence}`, 'blue: To limn was to paint with gold and color']);
	expect(await bob.has('button', 'Delete')).toBe(false);

	// The name is remembered; all is there after a reload.
	await ada.page.reload();
	await ada.paints([`green: ${sentence}`, 'blue: To limn was to paint with gold and color']);
	await ada.clickText(sentence);
	await ada.click('button', 'Delete');
	await ada.paints(['blue: To limn was to paint with gold and color']);
	await bob.clickText('To limn was to paint');
	await bob.click('button', 'Delete');
	await bob.paints([`green: ${sentence}`]);
	await ada.paints([]);

	// What was deleted by mistake comes back.
	await Promise.all([ada.click('button', 'Undo'), bob.click('button', 'Undo')]);
	const all = both.map((mark) => mark.replace('yellow', 'green'));
	await Promise.all([ada.paints(all), bob.paints(all)]);
});

test('selections of every kind', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open(`${limn.url}/demo`);
	const bob = await open(`${limn.url}/demo`);
	await ada.is('Live');
	await ada.mark('yellow', 'planned the emptiness first', undefined, true);
	await ada.name('Ada');
	await ada.paints(['yellow: planned the emptiness first']);
	await ada.mark('green', 'does this still', 'hold?'); // within an element
	await ada.mark('blue', 'a large Bible', 'The answers came'); // across blocks
	await ada.mark('pink', 'draw a 🐌 and', '🐇'); // beyond the basic plane
	await ada.mark('purple', 'emptiness first. Before', 'Before a word'); // overlapping
	await ada.mark('yellow', 'Rashi', 'רש״י', true); // against the line's direction
	await expect.poll(() => ada.painted()).toHaveLength(6);
	const painted = await ada.painted();
	expect(painted).toEqual(
		expect.arrayContaining([
			'yellow: planned the emptiness first',
			'green: does this still hold?',
			'pink: draw a 🐌 and a 🐇',
			'purple: emptiness first. Before a word',
			expect.stringMatching(/^blue: a large Bible took[\s\S]+answered\.\s+The answers came$/),
		]),
	);
	await bob.paints(painted);

	// The direction is kept, and the server finds each of them in the page.
	const list = async () => {
		const response = await fetch(`${limn.url}/api/v1/highlights?url=${encodeURIComponent(`${limn.url}/demo`)}`);
		return ((await response.json()) as { items: { ranges: Wire[]; check: { state: string } }[] }).items;
	};
	interface Wire {
		anchor: { xpath: string; offset: number };
		focus: { xpath: string; offset: number };
		quote: { exact: string };
	}
	await expect.poll(async () => (await list()).map(({ check }) => check.state)).toEqual(Array(6).fill('verified'));
	const backward = (await list()).find(({ ranges }) => ranges[0]?.quote.exact === 'planned the emptiness first');
	expect(backward?.ranges[0]?.anchor.offset).toBeGreaterThan(backward?.ranges[0]?.focus.offset ?? Infinity);

	// Where several lie on one another, the card goes through them.
	await ada.clickText('first');
	await ada.says('1 of 2 here');
	await ada.says('planned the emptiness first');
	await ada.click('button', 'Next highlight here');
	await ada.says('2 of 2 here');
	await ada.says('emptiness first. Before a word');
});

test('without the server, and when it is back', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open(`${limn.url}/demo`);
	const bob = await open(`${limn.url}/demo`);
	await ada.mark('yellow', 'planned the emptiness first');
	await ada.name('Ada');
	await bob.paints(['yellow: planned the emptiness first']);
	await ada.clickText('planned the emptiness first');
	await ada.type('Reply', 'a text that took a while');

	await limn.stop();
	await Promise.all([ada.is('Offline'), bob.is('Offline')]);

	// What is typed stays.
	await ada.page.keyboard.press('Control+Enter');
	await ada.says('Not saved. The server does not answer. Your text is still here.');
	await ada.page.keyboard.press('Escape');

	// A highlight is taken back, and offered again.
	await ada.mark('pink', sentence);
	await ada.says('Not saved. The server does not answer.');
	await ada.paints(['yellow: planned the emptiness first']);

	await limn.start();
	await Promise.all([ada.is('Live'), bob.is('Live')]);
	await ada.click('button', 'Try again');
	const both = ['yellow: planned the emptiness first', `pink: ${sentence}`];
	await Promise.all([ada.paints(both), bob.paints(both)]);
	await ada.clickText('planned the emptiness first');
	await ada.click('textbox', 'Reply');
	await ada.page.keyboard.press('Control+Enter');
	await bob.clickText('planned the emptiness first');
	await bob.says('a text that took a while');
});

test('a server that has forgotten everybody asks for a name again', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open(`${limn.url}/demo`);
	await ada.mark('yellow', 'planned the emptiness first');
	await ada.name('Ada');
	await ada.paints(['yellow: planned the emptiness first']);

	await limn.stop();
	await ada.is('Offline');
	await limn.forget();
	await limn.start();
	await ada.is('Live');
	await ada.paints([]);
	await ada.mark('green', 'planned the emptiness first');
	await ada.name('Ada');
	await ada.paints(['green: planned the emptiness first']);
});

test('what others write is text, whatever it looks like', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open(`${limn.url}/demo`);
	const markup = '<img src=x onerror="document.title = 1"> [link](javascript:alert(1)) <b>';
	await ada.mark('yellow', 'planned the emptiness first');
	await ada.name('<i>Mallory</i>');
	await ada.clickText('planned the emptiness first');
	await ada.type('Reply', markup);
	await ada.page.keyboard.press('Control+Enter');
	await ada.says(markup.trim());
	await ada.says('<i>Mallory</i>');
	expect(await ada.page.title()).toBe('The margin, a short history – limn');
});

test('what happened meanwhile is there on return', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open(`${limn.url}/demo`);
	const bob = await open(`${limn.url}/demo`);
	await ada.mark('yellow', 'planned the emptiness first');
	await ada.name('Ada');
	await bob.paints(['yellow: planned the emptiness first']);

	await bob.page.context().setOffline(true);
	await bob.is('Offline');
	await ada.mark('green', sentence);
	await ada.clickText('planned the emptiness first');
	await ada.click('button', 'Delete');
	await ada.paints([`green: ${sentence}`]);
	await bob.page.context().setOffline(false);
	await bob.paints([`green: ${sentence}`]);
	await bob.is('Live');
});

test('the page’s own nodes are not touched', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open(`${limn.url}/demo`);
	const dom = () =>
		ada.page.evaluate(() => {
			const copy = document.documentElement.cloneNode(true) as Element;
			const hosts = copy.querySelectorAll('limn-host');
			for (const host of hosts) host.remove();
			return { html: copy.outerHTML, hosts: hosts.length };
		});
	await ada.is('Live');
	const { html } = await dom();
	const served = await (await fetch(`${limn.url}/demo`)).text();
	await ada.mark('yellow', 'a large Bible', 'The answers came');
	await ada.name('Ada');
	await expect.poll(() => ada.painted()).toHaveLength(1);
	await ada.mark('green', 'planned the emptiness first');
	await ada.clickText('planned the emptiness first');
	await ada.find('dialog', 'Highlight');
	expect(await dom()).toEqual({ html, hosts: 1 });
	expect(
		await ada.page.evaluate(
			(text) => new DOMParser().parseFromString(text, 'text/html').documentElement.outerHTML,
			served,
		),
	).toBe(html);
});

test('by the keyboard alone', async () => {
	const limn = await Limn.start();
	const open = await browse();
	const ada = await open(`${limn.url}/demo`);
	await ada.is('Live');
	const { keyboard } = ada.page;
	await ada.select('planned the emptiness first');
	await ada.find('button', 'Highlight in yellow');
	await keyboard.press('Tab');
	await keyboard.press('ArrowRight');
	await keyboard.press('Enter');
	await ada.focused('textbox', 'Name');
	await keyboard.insertText('Ada');
	await keyboard.press('Enter');
	await ada.paints(['green: planned the emptiness first']);

	await ada.page.evaluate(() => document.querySelector('footer')?.scrollIntoView());
	await ada.focus('button', /^Open your highlight: planned/);
	await keyboard.press('Enter');
	await ada.find('dialog', 'Highlight');
	await keyboard.press('Escape');
	await expect.poll(() => ada.has('dialog', 'Highlight')).toBe(false);
	await ada.focused('button', /^Open your highlight: planned/);
});
