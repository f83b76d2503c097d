import { createTextAnnotator } from '@recogito/text-annotator';
import Highlighter from 'web-highlighter';
import { describe, type WireRange } from '../../src/anchor/index.ts';
import type { Highlight as Shown } from '../../src/api/shapes.ts';
import { Painter } from '../../src/paint/painter.ts';

// What the benchmark runs in its page: the same selections, kept and restored in limn's way and in that of others.

/** What each keeps of a page's selections. */
export interface Kept {
	limn: WireRange[];
	highlighter: { startMeta: object; endMeta: object; text: string; id: string }[];
	recogito: { start: number; end: number; quote: string }[];
}

/** How long restoring took, in milliseconds, from the call until the frame with all of it was drawn. */
export interface Took {
	whole: number;
	/** The longest task that held up the page meanwhile. */
	task: number;
	restored: number;
}

/** Selections of some words, spread evenly; one in ten goes on into the next paragraph. */
function selections(count: number): Range[] {
	const paragraphs = [...document.querySelectorAll('p')];
	return Array.from({ length: count }, (_, i) => {
		const at = Math.floor((i * (paragraphs.length - 1)) / count);
		const [first, next] = [paragraphs[at], paragraphs[at + 1]];
		const over = i % 10 === 0;
		const range = document.createRange();
		range.setStart(first?.firstChild as Text, 5 + (i % 20));
		range.setEnd((over ? next : first)?.firstChild as Text, over ? 20 : 25 + (i % 8));
		return range;
	});
}

function keepOwn(count: number): Kept {
	return { limn: selections(count).map((range) => describe(range, false)), highlighter: [], recogito: [] };
}

function keep(count: number): Kept {
	const ranges = selections(count);
	const { limn } = keepOwn(count);
	const before = document.createRange();
	const recogito = ranges.map((range) => {
		before.setStart(document.body, 0);
		before.setEnd(range.startContainer, range.startOffset);
		const start = before.toString().length;
		const quote = range.toString();
		return { start, end: start + quote.length, quote };
	});
	// From the last to the first: each is wrapped, and those before stay as they were.
	const highlighter = new Highlighter();
	const sources = ranges.reverse().map((range) => highlighter.fromRange(range));
	highlighter.removeAll();
	return { limn, recogito, highlighter: sources.map((source) => ({ ...source })) };
}

async function frame(): Promise<void> {
	await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
}

/** Times some work until what it does is drawn. */
async function time(work: () => number | Promise<number>): Promise<Took> {
	let task = 0;
	const observer = new PerformanceObserver((list) => {
		for (const entry of list.getEntries()) task = Math.max(task, entry.duration);
	});
	observer.observe({ type: 'longtask' });
	await frame();
	const start = performance.now();
	const restored = await work();
	await frame();
	const whole = performance.now() - start;
	await new Promise((told) => setTimeout(told, 100)); // tasks are told of after they have ended
	observer.disconnect();
	return { whole, task, restored };
}

const ways = {
	limn: ({ limn }: Kept) =>
		time(async () => {
			const painter = new Painter(document, new AbortController().signal);
			const done = new Promise<void>((resolve) => {
				painter.changes.addEventListener(
					'change',
					() => CSS.highlights.get('limn-yellow')?.size === limn.length && resolve(),
				);
			});
			for (const [i, wire] of limn.entries()) {
				const check = { state: 'verified', reason: '', ranges: null };
				painter.put({ id: String(i), ranges: [wire], color: 'yellow', check } as unknown as Shown);
			}
			await done;
			return CSS.highlights.get('limn-yellow')?.size ?? 0;
		}),
	highlighter: ({ highlighter: kept }: Kept) =>
		time(() => {
			const highlighter = new Highlighter();
			for (const { startMeta, endMeta, text, id } of kept)
				highlighter.fromStore(startMeta as never, endMeta as never, text, id);
			return new Set(
				[...document.querySelectorAll<HTMLElement>('[data-highlight-id]')].map((node) => node.dataset.highlightId),
			).size;
		}),
	'recogito, spans': (kept: Kept) => recogito(kept, 'SPANS'),
	'recogito, CSS highlights': (kept: Kept) => recogito(kept, 'CSS_HIGHLIGHTS'),
	/** The ranges are known, and only have to be painted: nobody can be faster. */
	floor: ({ limn }: Kept) => {
		const ranges = selections(limn.length);
		return time(() => {
			const registry = new Highlight(...ranges);
			CSS.highlights.set('limn-yellow', registry);
			return registry.size;
		});
	},
};

function recogito({ recogito: kept }: Kept, renderer: 'SPANS' | 'CSS_HIGHLIGHTS'): Promise<Took> {
	return time(async () => {
		const annotator = createTextAnnotator(document.body, { renderer });
		annotator.setAnnotations(
			kept.map((selector, i) => ({
				id: String(i),
				bodies: [],
				target: { annotation: String(i), selector: [selector as never] },
			})),
		);
		await new Promise<void>((drawn) => annotator.renderer.on('onRedraw', drawn)); // later, and only what is in sight
		return annotator.getAnnotations().length;
	});
}

const bench = { keep, keepOwn, ways };
Object.assign(globalThis, { bench });
export type Bench = typeof bench;
