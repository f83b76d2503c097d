/** What came over the network or in a message is not what it should be. */
export class ShapeError extends Error {
	override name = 'ShapeError';
}

export type Fields = Record<string, unknown>;

/** The fields of an object, or a ShapeError that says what was expected. */
export function fields(value: unknown, what: string): Fields {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ShapeError(`${what} is no object`);
	return value as Fields;
}

export function text(from: Fields, key: string): string {
	const value = from[key];
	if (typeof value !== 'string') throw new ShapeError(`${key} is no text`);
	return value;
}

export function number(from: Fields, key: string): number {
	const value = from[key];
	if (typeof value !== 'number') throw new ShapeError(`${key} is no number`);
	return value;
}

export function list<T>(value: unknown, what: string, read: (item: unknown) => T): T[] {
	if (!Array.isArray(value)) throw new ShapeError(`${what} is no list`);
	return value.map(read);
}
