import { inkOf } from '../paint/inks.ts';
import { el } from './element.ts';
import type { Host } from './host.ts';

/** How many lines of a range are drawn at most. */
const maxLines = 64;

/** Draws the ink of a range as if it had just been put on: a little stronger, for a moment. */
export function wet(host: Host, range: Range, color: string): void {
	if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
	const { clientHeight } = document.documentElement;
	for (const rect of [...range.getClientRects()].slice(0, maxLines)) {
		if (rect.bottom < 0 || rect.top > clientHeight) continue;
		const ink = el('div', { class: 'wet' });
		ink.style.setProperty('--ink', `var(--${inkOf(color)})`);
		ink.style.width = `${rect.width}px`;
		ink.style.height = `${rect.height}px`;
		host.place(ink, rect.left, rect.top);
		host.root.append(ink);
		ink.addEventListener('animationend', () => ink.remove());
	}
}
