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

/**
 * What tells a quote from its twins, by the blocks that the page has only once: the hashes of the nearest, and how many
 * twins stand between each of them and the quote, with all on that side at the end. The server takes them.
 */
export interface WireLandmarks {
	before: number[];
	after: number[];
	twins?: { before: number[]; after: number[]; alike: boolean };
}

/** One contiguous selection: anchor is where it began, focus where it ended. */
export interface WireRange {
	anchor: WirePoint;
	focus: WirePoint;
	quote?: WireQuote;
	position?: { start: number; end: number };
	landmarks?: WireLandmarks;
}

/** How much text is kept on each side of a quote, in UTF-16 units. */
export const contextLength = 32;

/** limn's own element in a page: no part of the page. */
export const hostName = 'limn-host';

export const isHost = (node: Node): boolean => node.nodeType === 1 && (node as Element).localName === hostName;

/** Halves of surrogate pairs become U+FFFD: JSON has no way to hold them. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\uFFFD');
