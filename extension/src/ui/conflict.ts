import { button, el } from './element.ts';
import { prose } from './prose.ts';
import { say } from './say.ts';

/**
 * Two texts where there can be one: what is stored by now, and what one has written over something older; null: that
 * is to be seen already.
 */
export function conflict(
	texts: { theirs: string; mine: string | null },
	keep: { mine: () => void; theirs: () => void },
	signal: AbortSignal,
): HTMLElement {
	const side = (label: string, text: string) => [
		el('h3', {}, label),
		el(
			'div',
			{ class: 'text', dir: 'auto' },
			...(text ? prose(text) : [el('p', { class: 'small' }, say('emptyNote'))]),
		),
	];
	return el(
		'div',
		{ class: 'conflict', role: 'group', 'aria-label': say('changedMeanwhile') },
		el('p', { class: 'wrong', role: 'alert' }, say('changedMeanwhile')),
		...side(say('theirs'), texts.theirs),
		...(texts.mine === null ? [] : side(say('mine'), texts.mine)),
		el(
			'div',
			{ class: 'row' },
			button({ class: 'quiet' }, say('takeTheirs'), keep.theirs, signal),
			button({ class: 'main' }, say('keepMine'), keep.mine, signal),
		),
	);
}
