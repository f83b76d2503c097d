import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openOwn, profile } from '../browser/chromium.ts';
import { Limn, servePage } from '../browser/server.ts';
import { article } from './pages.ts';

const highlights = 1_000;

/** How long each is watched, in seconds. */
const watched = 20;

/** What all processes of a browser have used: time of a processor in milliseconds, and how often one of their threads was woken. */
interface Used {
	cpu: number;
	wakeups: number;
}

/** What the processes that have a word on their command line, and those that they have started, have used until now. */
function used(word: string): Used {
	const read = (path: string) => {
		try {
			return readFileSync(`/proc/${path}`, 'utf8');
		} catch {
			return ''; // it has ended
		}
	};
	const all = readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map((pid) => ({ pid, stat: read(`${pid}/stat`).replace(/.*\) /s, '').split(' ') }));
	const own = new Set(all.filter(({ pid }) => read(`${pid}/cmdline`).includes(word)).map(({ pid }) => pid));
	for (let before = -1; before < own.size; ) {
		before = own.size;
		for (const { pid, stat } of all) if (own.has(stat[1] ?? '')) own.add(pid);
	}
	const sum = { cpu: 0, wakeups: 0 };
	for (const { pid, stat } of all) {
		if (!own.has(pid)) continue;
		sum.cpu += (Number(stat[11]) + Number(stat[12])) * 10; // proc(5): utime and stime, in ticks of 10 ms
		for (const thread of readdirSync(`/proc/${pid}/task`)) {
			sum.wakeups += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(read(`${pid}/task/${thread}/status`))?.[1] ?? 0);
		}
	}
	return sum;
}

test('highlights cost next to nothing while nobody does anything', { timeout: 400_000 }, async () => {
	const limn = await Limn.start();
	const url = `${await servePage(article)}/`;
	const ada = await limn.signUp('Ada');
	const mark = (i: number) => {
		const at = Math.floor((i * 1_300) / highlights);
		const xpath = `/html[1]/body[1]/section[${Math.floor(at / 13) + 1}]/p[${(at % 13) + 1}]/text()[1]`;
		return ada.mark(url, 'yellow', xpath, 5 + (i % 20), 25 + (i % 8));
	};
	for (let i = 0; i < highlights; i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => mark(i + k)));
	const checked = async () => {
		const answer = await fetch(`${limn.url}/api/v1/highlights?limit=1&state=pending&url=${encodeURIComponent(url)}`);
		return ((await answer.json()) as { items: unknown[] }).items.length === 0;
	};
	await expect.poll(checked).toBe(true);

	const extension = limn.extension('chrome');
	const context = await profile(extension);
	const page = await context.newPage();
	const options = await openOwn(context, 'options.html');
	const turn = (on: boolean) =>
		options.evaluate(([origin, on]) => chrome.runtime.sendMessage({ ask: 'site', with: { origin, on } }), [
			new URL(url).origin,
			on,
		] as const);
	const table: Record<string, object> = {};
	for (const clock of [false, true]) {
		for (const on of [false, true]) {
			await turn(on);
			await page.goto(url);
			await page.bringToFront();
			const painted = () => page.evaluate(() => CSS.highlights.get('limn-yellow')?.size ?? 0);
			await expect.poll(painted).toBe(on ? highlights : 0);
			if (clock) {
				await page.evaluate(() => {
					const text = document.querySelector('h2')?.firstChild as Text;
					setInterval(() => {
						text.data = new Date().toISOString();
					}, 1_000);
				});
			}
			await new Promise((settled) => setTimeout(settled, 5_000));
			const before = used(extension);
			await new Promise((over) => setTimeout(over, watched * 1_000));
			const after = used(extension);
			table[`${clock ? 'a clock that ticks' : 'a still page'}, limn ${on ? 'on' : 'off'}`] = {
				'of a processor, %': Number(((after.cpu - before.cpu) / watched / 10).toFixed(2)),
				'wakeups a second': Math.round((after.wakeups - before.wakeups) / watched),
			};
		}
	}
	console.log(`${highlights} highlights, the whole browser watched for ${watched} s`);
	console.table(table);
});
