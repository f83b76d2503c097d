import { hostName } from '../anchor/index.ts';
import { el } from './element.ts';
import { language, say } from './say.ts';
import style from './ui.css';

/**
 * Puts the interface beside the page's body until the signal ends it. A closed shadow root holds all of it: its
 * host is the only node that is added to a page.
 */
export class Host {
	private readonly element = document.createElement(hostName);
	readonly root = el('div', { class: 'root', lang: language(), dir: say('direction') });
	private readonly voice = el('div', { class: 'unseen', role: 'status' });

	constructor(private readonly signal: AbortSignal) {
		const shadow = this.element.attachShadow({ mode: 'closed' });
		this.dress = (css) => adopt(shadow, css, this.signal);
		this.dress(style);
		this.root.append(this.voice);
		shadow.append(this.root);
		document.documentElement.append(this.element);
		signal.addEventListener('abort', () => this.element.remove());
		// Keys and clicks in here are none of the page's business: many pages have shortcuts on single keys.
		for (const type of [
			'keydown',
			'keyup',
			'keypress',
			'input',
			'paste',
			'dragover',
			'drop',
			'click',
			'pointerdown',
			'mousedown',
		]) {
			this.element.addEventListener(type, (event) => event.stopPropagation(), { signal });
		}
	}

	/** Adds a style sheet. */
	readonly dress: (css: string) => void;

	/** Whether an event of the document came from in here. */
	holds(event: Event): boolean {
		return event.target === this.element;
	}

	contains(node: Node): boolean {
		return node === this.element || this.root.contains(node);
	}

	/** Where the viewport's corner is for what is placed in here, so that it scrolls along with the page. */
	origin(): { x: number; y: number } {
		const { left, top } = this.element.getBoundingClientRect();
		return { x: -left, y: -top };
	}

	/** Puts an element at a point of the viewport. */
	place(element: HTMLElement, x: number, y: number): void {
		const origin = this.origin();
		element.style.left = `${Math.round(origin.x + x)}px`;
		element.style.top = `${Math.round(origin.y + y)}px`;
	}

	/** Says something to those who listen instead of looking. */
	say(words: string): void {
		this.voice.textContent = words;
	}
}

/** Gives a document or a shadow root a style sheet, without adding a node where the browser allows it. */
export function adopt(root: Document | ShadowRoot, css: string, signal: AbortSignal): void {
	try {
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(css);
		root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
		signal.addEventListener('abort', () => {
			root.adoptedStyleSheets = [...root.adoptedStyleSheets].filter((other) => other !== sheet);
		});
	} catch (cause) {
		// Firefox keeps the sheets of content scripts and pages apart; in our own shadow root a node is as good.
		if (!(root instanceof ShadowRoot)) throw cause;
		root.append(el('style', {}, css));
	}
}
