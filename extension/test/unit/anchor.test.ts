import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fold } from '../../src/anchor/fold.ts';
import { PathError, parsePath, type Step } from '../../src/anchor/path.ts';
import { Pattern, reversed } from '../../src/anchor/pattern.ts';

interface PathCase {
	path: string;
	offset?: number; // of the first bad character, in bytes
	id?: string;
	every?: boolean;
	steps?: Step[];
}

const paths: PathCase[] = JSON.parse(
	readFileSync(new URL('../../../xpath/testdata/paths.json', import.meta.url), 'utf8'),
);

describe('the table of paths', () => {
	test.each(paths)('$path', ({ path, offset, id, every, steps }) => {
		if (offset === undefined) {
			expect(parsePath(path)).toEqual({ id, every, steps });
			return;
		}
		let refused: unknown;
		try {
			parsePath(path);
		} catch (error) {
			refused = error;
		}
		if (!(refused instanceof PathError)) throw new Error(`${path} was taken`);
		expect(path.length > 4096 ? refused.offset : new TextEncoder().encode(path.slice(0, refused.offset)).length).toBe(
			offset,
		);
	});
});

/** Edit distance by the table itself, of a pattern and each start of a text, or of what ends there. */
function plainly(pattern: string, text: string, anchored: boolean): number[] {
	let column = Array.from({ length: pattern.length + 1 }, (_, i) => i);
	return [...Array(text.length).keys()].map((j) => {
		const next = [anchored ? j + 1 : 0];
		for (let i = 1; i <= pattern.length; i++) {
			const same = pattern[i - 1] === text[j] ? 0 : 1;
			next.push(Math.min((column[i - 1] ?? 0) + same, (column[i] ?? 0) + 1, (next[i - 1] ?? 0) + 1));
		}
		column = next;
		return column[pattern.length] ?? 0;
	});
}

describe('a pattern', () => {
	test.each([1, 5, 31, 32, 33, 63, 64])('of %d units counts errors as the table of edit distances does', (length) => {
		let seed = length;
		const random = (n: number): number => {
			seed = (seed * 1103515245 + 12345) & 0x7fffffff;
			return (seed >> 8) % n;
		};
		const letters = ['a', 'b', 'c', '日', '\ud83d', '\ude00'];
		const text = (n: number): string => Array.from({ length: n }, () => letters[random(letters.length)]).join('');
		const pattern = text(length);
		const page = text(40) + pattern.replace('a', '') + text(40);
		for (const anchored of [true, false]) {
			const forward: number[] = [];
			new Pattern(pattern).forward(page, 0, page.length, anchored, Number.POSITIVE_INFINITY, (_, errors) =>
				forward.push(errors),
			);
			const backward: number[] = [];
			new Pattern(reversed(pattern)).backward(page, 0, page.length, anchored, Number.POSITIVE_INFINITY, (_, errors) =>
				backward.push(errors),
			);
			expect(forward).toEqual(plainly(pattern, page, anchored));
			expect(backward).toEqual(plainly(reversed(pattern), reversed(page), anchored));
		}
	});
});

test('folding makes each run of space one, and knows where each unit was', () => {
	expect(fold(' a \n\tb\u00a0c')).toEqual({ text: ' a b c', at: [0, 1, 2, 5, 6, 7, 8] });
});
