import { button, el } from './element.ts';
import type { Host } from './host.ts';
import { say } from './say.ts';

/** How long a message stays, in milliseconds: what can be acted upon long enough to be reached by the keyboard. */
const stay = { told: 8_000, offered: 20_000 };

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
	private gone = () => {};

	constructor(host: Host, signal: AbortSignal) {
		host.root.append(this.box);
		addEventListener('pagehide', () => this.hide(), { signal });
		signal.addEventListener('abort', () => this.hide());
	}

	/**
	 * Shows a message for a while, or until it is hidden. `gone` is called when it goes without its remedy having been
	 * chosen.
	 */
	show(words: string, remedy?: Remedy, gone?: (() => void) | 'until done'): void {
		this.hide();
		this.shown = new AbortController();
		this.gone = typeof gone === 'function' ? gone : () => {};
		const act = () => {
			if (remedy) this.gone = () => {};
			this.hide();
			remedy?.act();
		};
		this.box.replaceChildren(
			el('span', {}, words),
			button({ class: remedy ? '' : 'quiet' }, remedy?.label ?? say('close'), act, this.shown.signal),
		);
		this.box.hidden = false;
		if (gone === 'until done') return;
		// A pointer on it or a finger still reading keeps it.
		const wait = () => {
			clearTimeout(this.timer);
			const again = () => (this.box.matches(':hover, :focus-within') ? wait() : this.hide());
			this.timer = setTimeout(again, remedy ? stay.offered : stay.told);
		};
		wait();
	}

	hide(): void {
		clearTimeout(this.timer);
		this.shown.abort();
		this.box.hidden = true;
		this.box.replaceChildren();
		const { gone } = this;
		this.gone = () => {};
		gone();
	}
}
