import { type Path, type Step, stepsTo } from './path.ts';

/** How much the path to a node differs from another path. */
export function shift(path: Path, node: Node, doc: Document): number {
	const elsewhere = 4; // than in the element with the id that the path starts from
	if (path.id === '') return distance(path.steps, stepsTo(node, doc));
	const root = doc.getElementById(path.id);
	if (root?.contains(node)) return distance(path.steps, stepsTo(node, root));
	return elsewhere + distance(path.steps, stepsTo(node, doc).slice(-path.steps.length));
}

/** Compares a path with that of a text node. A path to an element says nothing of what is in it. */
export function distance(path: Step[], to: Step[]): number {
	const inner = 8; // elements that the text may be inside of
	const compared = 100; // steps, from the end
	const a = path.slice(-compared);
	const b = to.slice(-compared);
	let best = stepwise(a, b);
	if (!a.length || a.at(-1)?.text) return best;
	for (let n = b.length - 1; n >= 0 && n >= b.length - inner; n--) best = Math.min(best, stepwise(a, b.slice(0, n)));
	return best;
}

/**
 * Adds up by how much the steps differ. One path may have a run of steps more than the other, wherever it suits:
 * what was wrapped in something still is what it was.
 */
function stepwise(a: Step[], b: Step[]): number {
	const run = 1;
	const n = Math.min(a.length, b.length);
	let tail = 0;
	for (let i = 0; i < n; i++) tail += differ(a[a.length - 1 - i], b[b.length - 1 - i]);
	let best = tail;
	let head = 0;
	for (let i = 0; i < n; i++) {
		head += differ(a[i], b[i]);
		tail -= differ(a[a.length - n + i], b[b.length - n + i]);
		best = Math.min(best, head + tail);
	}
	return a.length === b.length ? best : best + run;
}

function differ(a: Step | undefined, b: Step | undefined): number {
	const most = 8;
	if (!a || !b || a.text !== b.text || a.name !== b.name) return most;
	return Math.min(Math.abs(a.index - b.index), most);
}
