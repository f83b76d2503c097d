import type { Account } from '../api/shapes.ts';
import { el } from './element.ts';
import { initials } from './words.ts';

/** A person as a dot with initials: solid for oneself, a ring for others. The hue tells people apart, the letters name them. */
export function person(account: Account, mine: boolean): HTMLElement {
	// The letters are drawn by the style sheet: they are part of no name.
	const face = {
		class: mine ? 'person mine' : 'person',
		'aria-hidden': 'true',
		'data-initials': initials(account.name),
	};
	const dot = el('span', face);
	let hash = 0;
	for (const unit of account.id) hash = (hash * 31 + unit.charCodeAt(0)) % 360;
	dot.style.setProperty('--hue', String(hash));
	return dot;
}
