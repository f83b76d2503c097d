/** A text as a reader sees it: each run of space is one space. at tells where each unit stands in the text. */
export interface Folded {
	text: string;
	at: number[];
}

export function isSpace(unit: number): boolean {
	return unit === 0x20 || (unit >= 9 && unit <= 13) || unit === 0xa0 || unit === 0x3000;
}

/** Folds the parts of a text, each from one place to another. */
export function fold(text: string, parts: Iterable<readonly [number, number]> = [[0, text.length]]): Folded {
	const units: string[] = [];
	const at: number[] = [];
	let last = 0;
	for (const [from, to] of parts) {
		let start = from;
		for (let i = from; i < to; i++) {
			const space = isSpace(text.charCodeAt(i));
			if (space) {
				units.push(text.slice(start, i));
				start = i + 1;
				if (last === 0x20) continue;
				units.push(' ');
			}
			last = space ? 0x20 : text.charCodeAt(i);
			at.push(i);
		}
		units.push(text.slice(start, to));
	}
	at.push(text.length);
	return { text: units.join(''), at };
}

/** The units of a text that are no space. */
export function solid(text: string): number {
	let n = 0;
	for (let i = 0; i < text.length; i++) if (!isSpace(text.charCodeAt(i))) n++;
	return n;
}

/** The first index whose value is not below: values rise. */
export function lowerBound(values: readonly number[], value: number, length = values.length): number {
	let low = 0;
	let high = length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((values[middle] ?? Number.POSITIVE_INFINITY) < value) low = middle + 1;
		else high = middle;
	}
	return low;
}
