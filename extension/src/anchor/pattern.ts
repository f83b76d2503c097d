/** How many units of a pattern are compared at once: two words of 32 bits. */
export const word = 64;

export type Visit = (read: number, errors: number) => void;

/**
 * 1 to word units that are looked for with errors, by the bit-parallel algorithm of Myers (1999): a column of the
 * table of edit distances is two words, and the next one costs a dozen operations. Here each word is two numbers.
 */
export class Pattern {
	private readonly lows = new Int32Array(256); // where a unit stands in the pattern, for units below 256
	private readonly highs = new Int32Array(256);
	private readonly low = new Map<number, number>();
	private readonly high = new Map<number, number>();

	constructor(private readonly units: string) {
		for (let i = 0; i < units.length; i++) {
			const unit = units.charCodeAt(i);
			const place = word - units.length + i; // the last unit is the highest bit
			const bit = 1 << (place & 31);
			const [table, map] = place < 32 ? [this.lows, this.low] : [this.highs, this.high];
			if (unit < 256) table[unit] = (table[unit] ?? 0) | bit;
			else map.set(unit, (map.get(unit) ?? 0) | bit);
		}
	}

	/**
	 * Gives visit the errors of the best match that ends behind a number of units, wherever they are within a limit.
	 * Anchored, a match starts where the text does; else anywhere.
	 */
	forward(text: string, from: number, to: number, anchored: boolean, limit: number, visit: Visit): void {
		this.scan(text, from, to - from, 1, anchored, limit, visit);
	}

	/** The same from the end of the text, for a reversed pattern. */
	backward(text: string, from: number, to: number, anchored: boolean, limit: number, visit: Visit): void {
		this.scan(text, to - 1, to - from, -1, anchored, limit, visit);
	}

	private scan(
		text: string,
		start: number,
		count: number,
		stride: number,
		anchored: boolean,
		limit: number,
		visit: Visit,
	): void {
		const { lows, highs, low, high } = this;
		const first = word - this.units.length;
		const topLow = anchored && first < 32 ? 1 << first : 0;
		const topHigh = anchored && first >= 32 ? 1 << (first - 32) : 0;
		let upLow = -1;
		let upHigh = -1;
		let downLow = 0;
		let downHigh = 0;
		let errors = this.units.length;
		for (let i = 0, at = start; i < count; i++, at += stride) {
			const unit = text.charCodeAt(at);
			const equalLow = (unit < 256 ? lows[unit] : low.get(unit)) ?? 0;
			const equalHigh = (unit < 256 ? highs[unit] : high.get(unit)) ?? 0;
			const verticalLow = equalLow | downLow;
			const verticalHigh = equalHigh | downHigh;
			const sumLow = ((equalLow & upLow) + upLow) | 0;
			// out of the highest bit of a sum goes what both had, or one had and lost: numbers of 32 bits are added quickest
			const carry = ((equalLow & upLow) | (upLow & ~sumLow)) >>> 31;
			const sumHigh = ((equalHigh & upHigh) + upHigh + carry) | 0;
			const horizontalLow = (sumLow ^ upLow) | equalLow;
			const horizontalHigh = (sumHigh ^ upHigh) | equalHigh;
			let riseLow = downLow | ~(horizontalLow | upLow);
			let riseHigh = downHigh | ~(horizontalHigh | upHigh);
			let fallLow = upLow & horizontalLow;
			let fallHigh = upHigh & horizontalHigh;
			if (riseHigh < 0) errors++;
			else if (fallHigh < 0) errors--;
			riseHigh = (riseHigh << 1) | (riseLow >>> 31) | topHigh;
			riseLow = (riseLow << 1) | topLow;
			fallHigh = (fallHigh << 1) | (fallLow >>> 31);
			fallLow <<= 1;
			upLow = fallLow | ~(verticalLow | riseLow);
			upHigh = fallHigh | ~(verticalHigh | riseHigh);
			downLow = riseLow & verticalLow;
			downHigh = riseHigh & verticalHigh;
			if (errors <= limit) visit(i + 1, errors);
		}
	}
}

/** The units of a text from the last to the first: not its characters. */
export function reversed(text: string): string {
	let units = '';
	for (let i = text.length - 1; i >= 0; i--) units += text[i];
	return units;
}
