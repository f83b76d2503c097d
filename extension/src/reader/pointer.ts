import type { Painter } from '../paint/painter.ts';
import type { Host } from '../ui/host.ts';

/** What on a page has a use of its own for a click. */
const busy = 'a[href], button, input, textarea, select, label, summary, video, audio, [contenteditable]';

/** Says which highlights are under the mouse, and which were clicked on: none, if the click was meant for the page. */
export function followPointer(
	host: Host,
	painter: Painter,
	on: { over: (ids: string[]) => void; click: (ids: string[]) => void },
	signal: AbortSignal,
): void {
	let asked = false;
	const move = ({ clientX, clientY, pointerType, buttons }: PointerEvent) => {
		if (asked || pointerType !== 'mouse' || buttons !== 0) return;
		asked = true;
		requestAnimationFrame(() => {
			asked = false;
			if (!signal.aborted) on.over(painter.at(clientX, clientY));
		});
	};
	const click = (event: MouseEvent) => {
		if (host.holds(event) || event.button !== 0 || event.defaultPrevented) return;
		const taken = event.target instanceof Element && event.target.closest(busy) !== null;
		if (document.getSelection()?.isCollapsed === false) return; // it ended a selection
		on.click(taken ? [] : painter.at(event.clientX, event.clientY));
	};
	document.addEventListener('pointermove', move, { signal, passive: true });
	document.addEventListener('click', click, { signal });
}
