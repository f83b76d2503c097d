import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { expect, onTestFinished, test } from 'vitest';
import type { Bench, Kept, Took } from './page.ts';
import { article, siblings } from './pages.ts';

declare global {
	var bench: Bench;
}

type Way = keyof Bench['ways'];

const highlights = 1_000;
const many = 5_000;
const rounds = 5;

/** What takes so long, in milliseconds, is done once. */
const slow = 5_000;

async function bundle(): Promise<string> {
	const built = await build({
		configFile: false,
		logLevel: 'error',
		define: { 'process.env.NODE_ENV': '"production"' },
		build: {
			write: false,
			lib: { entry: new URL('page.ts', import.meta.url).pathname, formats: ['iife'], name: 'page' },
		},
	});
	const [first] = Array.isArray(built) ? built : [built];
	const script = first && 'output' in first && first.output.find((file) => file.type === 'chunk');
	if (!script) throw new Error('nothing was built');
	return script.code;
}

const median = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)] as number;

/** A browser with what is measured in it, and a way to open a page anew. */
async function browser(html: string) {
	const script = await bundle();
	const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(html)).listen(
		0,
		'127.0.0.1',
	);
	await once(server, 'listening');
	const browser = await chromium.launch({
		executablePath: '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu'],
	});
	onTestFinished(async () => {
		await browser.close();
		server.close();
	});
	const page = await browser.newPage();
	const open = async () => {
		await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
		await page.evaluate(script);
	};
	await open();
	return { page, open };
}

/** Has each restore what it kept, in turns. */
async function restore(ways: Way[], kept: Kept, { page, open }: Awaited<ReturnType<typeof browser>>) {
	const took = new Map<Way, Took[]>(ways.map((way) => [way, []]));
	for (let round = 0; round < rounds; round++) {
		for (const way of ways) {
			if (took.get(way)?.some(({ whole }) => whole > slow)) continue;
			await open();
			took.get(way)?.push(await page.evaluate(([way, kept]) => bench.ways[way](kept), [way, kept] as const));
		}
	}
	const of = (way: Way, what: 'whole' | 'task') => median((took.get(way) ?? []).map((one) => one[what]));
	console.table(
		Object.fromEntries(
			ways.map((way) => [
				way,
				{
					'until drawn, ms': Math.round(of(way, 'whole')),
					'longest task, ms': of(way, 'task') === 0 ? 'under 50' : Math.round(of(way, 'task')),
					restored: took.get(way)?.[0]?.restored,
				},
			]),
		),
	);
	return of;
}

test('a thousand highlights are restored', { timeout: 600_000 }, async () => {
	const own = await browser(article);
	const kept = await own.page.evaluate((count) => bench.keep(count), highlights);
	const ways = await own.page.evaluate(() => Object.keys(bench.ways) as Way[]);
	console.log(
		`${highlights} highlights on a page of ${(article.length / 1e6).toFixed(1)} MB, median of up to ${rounds}`,
	);
	const of = await restore(ways, kept, own);
	const peers = ways.filter((way) => way !== 'limn' && way !== 'floor');
	const best = Math.min(...peers.map((way) => of(way, 'whole')));
	console.log(`limn is ${(best / of('limn', 'whole')).toFixed(1)} times as fast as the better of the others`);
	expect(of('limn', 'task')).toBe(0);
	expect(best / of('limn', 'whole')).toBeGreaterThan(15);
});

test('five thousand highlights are restored among siblings', { timeout: 600_000 }, async () => {
	const own = await browser(siblings(many + 1));
	const kept = await own.page.evaluate((count) => bench.keepOwn(count), many);
	console.log(`${many} highlights in paragraphs that are all siblings, median of ${rounds}`);
	const of = await restore(['limn', 'floor'], kept, own);
	expect(of('limn', 'task')).toBe(0);
});
