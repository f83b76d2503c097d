import type { Bar } from '../ui/bar.ts';
import type { Host } from '../ui/host.ts';

/** What is selected on a page. */
export interface Selected {
	ranges: Range[];
	/** Whether it was dragged from its end to its start. */
	backward: boolean;
}

/** The text that is selected now, or null: nothing, only space, or text that is being edited. */
export function selected(doc: Document, host: (node: Node) => boolean): Selected | null {
	const selection = doc.getSelection();
	if (!selection || selection.isCollapsed) return null;
	const ranges: Range[] = [];
	for (let i = 0; i < selection.rangeCount; i++) {
		const range = selection.getRangeAt(i);
		const at = range.commonAncestorContainer;
		if (range.toString().trim() === '' || host(at) || edited(at)) continue;
		ranges.push(range.cloneRange());
	}
	const [first] = ranges;
	if (!first) return null;
	const backward =
		ranges.length === 1 &&
		selection.anchorNode === first.endContainer &&
		selection.anchorOffset === first.endOffset &&
		!(selection.focusNode === first.endContainer && selection.focusOffset === first.endOffset);
	return { ranges, backward };
}

function edited(node: Node): boolean {
	const element = node instanceof HTMLElement ? node : node.parentElement;
	return element?.isContentEditable ?? false;
}

/** The line that a selection ends in, and the box around all of it, in the viewport. */
export function endOf({ ranges, backward }: Selected): { end: DOMRect; all: DOMRect } | null {
	const range = backward ? ranges[0] : ranges.at(-1);
	const rects = [...(range?.getClientRects() ?? [])].filter((rect) => rect.width > 0 && rect.height > 0);
	const end = backward ? rects[0] : rects.at(-1);
	return range && end ? { end, all: range.getBoundingClientRect() } : null;
}

/** Shows the bar by what is selected, for as long as it is, and leads the keyboard to it. */
export function followSelection(host: Host, bar: Bar, signal: AbortSignal): void {
	let pressed = false;
	const look = () => {
		if (pressed) return;
		const now = selected(document, (node) => host.contains(node));
		const where = now && endOf(now);
		if (where) bar.show(where.end, where.all, now.backward);
		else bar.hide();
	};
	const press = (event: PointerEvent) => {
		if (host.holds(event)) return;
		pressed = event.pointerType === 'mouse';
		bar.hide();
	};
	const release = () => {
		pressed = false;
		setTimeout(look); // the selection is what it is going to be only after the event
	};
	const steer = (event: KeyboardEvent) => {
		if (!bar.shown || host.holds(event)) return;
		if (event.key === 'Escape') bar.hide();
		if (event.key === 'Tab' && !event.shiftKey && !event.altKey && !event.ctrlKey) {
			event.preventDefault();
			bar.focus();
		}
	};
	const early = { signal, capture: true }; // pages that stop these events have text to mark, too
	document.addEventListener('pointerdown', press, early);
	for (const type of ['pointerup', 'pointercancel', 'dragend']) document.addEventListener(type, release, early);
	document.addEventListener('keydown', steer, early);
	document.addEventListener('selectionchange', look, { signal });
	window.addEventListener('resize', look, { signal });
	look(); // what was selected before limn was there
}
