import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { expect, onTestFinished, test } from 'vitest';
import type { Bench, Took } from './page.ts';

declare global {
	var bench: Bench;
}

const highlights = 1_000;
const rounds = 5;

/** What takes so long, in milliseconds, is done once. */
const slow = 5_000;

/** An article of about 1 MB, with as many links and other inline elements as an encyclopedia has. */
const article = (() => {
	const words =
		'the moon pulls the sea towards it and the earth turns beneath so each harbour sees two high waters'.split(' ');
	let seed = 1;
	const random = (n: number) => {
		seed = (seed * 48_271) % 2_147_483_647;
		return seed % n;
	};
	const some = (n: number) => Array.from({ length: n }, () => words[random(words.length)]).join(' ');
	const sentence = () =>
		`${some(9)} <a href="/wiki/${some(1)}">${some(2)}</a> ${some(5)} <em>${some(1)}</em> ${some(6)}.<sup><a href="#n">[1]</a></sup> `;
	const paragraph = (_: unknown, i: number) =>
		`<p>${i}. ${Array.from({ length: 5 }, sentence).join('')}<b>${some(2)}</b> and more.</p>`;
	const section = (_: unknown, i: number) =>
		`<section><h2>Part ${i}</h2>${Array.from({ length: 13 }, paragraph).join('\n')}</section>`;
	return `<!doctype html><meta charset="utf-8"><title>Tides</title><body>${Array.from({ length: 100 }, section).join('\n')}`;
})();

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

test('a thousand highlights are restored', { timeout: 600_000 }, async () => {
	const script = await bundle();
	const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(article)).listen(
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
	const kept = await page.evaluate((count) => bench.keep(count), highlights);
	const ways = await page.evaluate(() => Object.keys(bench.ways) as (keyof Bench['ways'])[]);
	const took = new Map<string, Took[]>(ways.map((way) => [way, []]));
	for (let round = 0; round < rounds; round++) {
		for (const way of ways) {
			if (took.get(way)?.some(({ whole }) => whole > slow)) continue;
			await open();
			took.get(way)?.push(await page.evaluate(([way, kept]) => bench.ways[way](kept), [way, kept] as const));
		}
	}
	const of = (way: string, what: 'whole' | 'task') => median((took.get(way) ?? []).map((one) => one[what]));
	console.log(
		`${highlights} highlights on a page of ${(article.length / 1e6).toFixed(1)} MB, median of up to ${rounds}`,
	);
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
	const peers = ways.filter((way) => way !== 'limn' && way !== 'floor');
	const best = Math.min(...peers.map((way) => of(way, 'whole')));
	console.log(`limn is ${(best / of('limn', 'whole')).toFixed(1)} times as fast as the better of the others`);
	expect(of('limn', 'task')).toBe(0);
	expect(best / of('limn', 'whole')).toBeGreaterThan(15);
});
