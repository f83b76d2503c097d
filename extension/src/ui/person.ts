import type { Account } from '../api/shapes.ts';
import { el } from './element.ts';
import { initials } from './words.ts';

/** A person as a dot with initials: solid for oneself, a ring for others. The hue tells people apart, the letters name them. */
export function person(account: Account, mine: boolean): HTMLElement {
	const dot = el('span', { class: mine ? 'person mine' : 'person', 'aria-hidden': 'true' }, initials(account.name));
	let hash = 0;
	for (const unit of account.id) hash = (hash * 31 + unit.charCodeAt(0)) % 360;
	dot.style.setProperty('--hue', String(hash));
	return dot;
}
