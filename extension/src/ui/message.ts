import { button, el } from './element.ts';
import type { Host } from './host.ts';

/** How long a message stays that asks for nothing, in milliseconds. */
const stay = 8_000;

/** Something that one can do about a message. */
export interface Remedy {
	label: string;
	act: () => void;
}

/** The place where limn says what happened: one message at a time. */
export class Messages {
	private readonly box = el('div', { class: 'message float', role: 'alert', hidden: true });
	private timer: ReturnType<typeof setTimeout> | undefined;
	private shown = new AbortController();

	constructor(host: Host, signal: AbortSignal) {
		host.root.append(this.box);
		signal.addEventListener('abort', () => clearTimeout(this.timer));
	}

	show(words: string, remedy?: Remedy): void {
		this.hide();
		this.shown = new AbortController();
		const act = (then?: () => void) => () => {
			this.hide();
			then?.();
		};
		this.box.replaceChildren(
			el('span', {}, words),
			button({ class: remedy ? '' : 'quiet' }, remedy?.label ?? 'Close', act(remedy?.act), this.shown.signal),
		);
		this.box.hidden = false;
		// A pointer on it or a finger still reading keeps it.
		const wait = () => {
			clearTimeout(this.timer);
			this.timer = setTimeout(() => (this.box.matches(':hover, :focus-within') ? wait() : this.hide()), stay);
		};
		wait();
	}

	hide(): void {
		clearTimeout(this.timer);
		this.shown.abort();
		this.box.hidden = true;
		this.box.replaceChildren();
	}
}
