/** A boundary point as it travels: offsets count UTF-16 units in a text node and child nodes in an element. */
export interface WirePoint {
	xpath: string;
	offset: number;
}

export interface WireQuote {
	exact: string;
	prefix: string;
	suffix: string;
}

/** One contiguous selection: anchor is where it began, focus where it ended. */
export interface WireRange {
	anchor: WirePoint;
	focus: WirePoint;
	quote?: WireQuote;
	position?: { start: number; end: number };
}

/** How much text is kept on each side of a quote, in UTF-16 units. */
export const contextLength = 32;

/** limn's own element in a page: no part of the page. */
export const hostName = 'limn-host';

export const isHost = (node: Node): boolean => node.nodeType === 1 && (node as Element).localName === hostName;

/** Halves of surrogate pairs become U+FFFD: JSON has no way to hold them. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\uFFFD');
