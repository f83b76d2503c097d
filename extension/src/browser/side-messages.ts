import type { Overheard } from '../reader/reader.ts';

/** What a content script tells the panel beside its page. */
export type FromPage =
	| Overheard
	| { place: { url: string; title: string } }
	/** Limn is off here. */
	| { off: { origin: string; near: boolean; unreadable: boolean } };

/** What the panel has done on the page. */
export type ToPage =
	| { act: 'visit'; id: string }
	| { act: 'putBack'; id: string }
	| { act: 'point'; id: string | null };
