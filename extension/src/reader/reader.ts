import { describe } from '../anchor/index.ts';
import { Problem } from '../api/client.ts';
import type { Account, Highlight, HighlightEdit, NewHighlight, Reply } from '../api/shapes.ts';
import type { Place } from '../page/location.ts';
import { newID } from '../page/url.ts';
import { type Ink, inkOf } from '../paint/inks.ts';
import { elementOf, Painter } from '../paint/painter.ts';
import { PageState } from '../state/page.ts';
import { Bar } from '../ui/bar.ts';
import { Card, type Drafts } from '../ui/card.ts';
import { Dots } from '../ui/dots.ts';
import { el } from '../ui/element.ts';
import { Host } from '../ui/host.ts';
import { Messages } from '../ui/message.ts';
import { askName } from '../ui/name.ts';
import { Panel } from '../ui/panel.ts';
import { failure } from '../ui/words.ts';
import type { ReaderEvent, Remote } from './remote.ts';
import { endOf, type Selected, selected } from './selection.ts';

/** Reads one page together with others, until the signal ends it. */
export function read(place: Place, remote: Remote, signal: AbortSignal): void {
	new Reader(place, remote, signal).start();
}

class Reader {
	private readonly page = new PageState();
	private readonly host: Host;
	private readonly painter: Painter;
	private readonly bar: Bar;
	private readonly dots: Dots;
	private readonly panel: Panel;
	private readonly messages: Messages;
	private readonly drafts: Drafts = new Map();
	private card: Card | null = null;
	/** Where the card was opened, when several highlights are there. */
	private stack: string[] = [];
	private me: Account | null = null;
	private group: string;
	/** Highlights that the server has not confirmed yet. */
	private readonly saving = new Map<string, Highlight>();
	/** Highlights that are being deleted: gone for the eye. */
	private readonly deleting = new Set<string>();
	private drawing = false;

	constructor(
		private readonly place: Place,
		private readonly remote: Remote,
		private readonly signal: AbortSignal,
	) {
		this.group = remote.groups[0]?.id ?? 'public';
		this.host = new Host(signal);
		this.painter = new Painter(document, signal);
		const point = (id: string | null) => this.painter.underline(id);
		this.dots = new Dots(this.host, { open: (id) => this.open(id, true), point }, signal);
		this.panel = new Panel(this.host, { open: (id) => this.visit(id), point }, signal);
		this.messages = new Messages(this.host, signal);
		const groups = {
			all: remote.groups,
			chosen: () => this.group,
			choose: (group: string) => {
				this.group = group;
				remote.chooseGroup(group);
			},
		};
		this.bar = new Bar(this.host, (ink) => this.mark(ink), groups, signal);
	}

	start(): void {
		this.remote.watch(this.place.url, (event) => this.receive(event), this.signal);
		this.painter.changes.addEventListener('change', () => this.draw(), { signal: this.signal });
		this.followSelection();
		this.followPointer();
		this.followPage();
		addEventListener(
			'beforeunload',
			(event) => {
				if (this.drafts.size > 0) event.preventDefault(); // the browser asks before typed text is lost
			},
			{ signal: this.signal },
		);
		this.signal.addEventListener('abort', () => this.card?.close());
	}

	private receive(event: ReaderEvent): void {
		if (event.type === 'account') {
			this.me = event.account;
			return this.draw();
		}
		if (event.type === 'group') {
			this.group = event.group;
			return;
		}
		const held = event.type === 'removed' || event.type === 'live' ? new Set(this.page.highlights.keys()) : null;
		const known = event.type === 'highlight' && this.page.highlights.has(event.highlight.id);
		this.page.apply(event);
		switch (event.type) {
			case 'highlight': {
				const { highlight } = event;
				const news = !known && !this.saving.delete(highlight.id) && this.page.status === 'live';
				if (!this.deleting.has(highlight.id)) this.painter.put(highlight);
				if (news) this.fadeIn(highlight);
				break;
			}
			case 'removed':
			case 'live':
				for (const id of held ?? []) if (!this.page.highlights.has(id)) this.forget(id);
				break;
		}
		this.draw();
	}

	private forget(id: string): void {
		this.painter.remove(id);
		this.deleting.delete(id);
		if (this.card?.id === id) this.card.gone();
	}

	/** Everything that is to be seen: what the server holds, and what is on its way there. */
	private all(): Highlight[] {
		return [...this.page.highlights.values(), ...this.saving.values()].filter(({ id }) => !this.deleting.has(id));
	}

	/** Draws what has changed, once a frame. */
	private draw(): void {
		if (this.drawing) return;
		this.drawing = true;
		requestAnimationFrame(() => {
			this.drawing = false;
			if (!this.signal.aborted) this.drawNow();
		});
	}

	private drawNow(): void {
		const all = this.all();
		const dotted = all.flatMap((highlight) => {
			const [range] = this.painter.ranges(highlight.id);
			const mine = highlight.author.id === this.me?.id;
			return range ? [{ highlight, mine, range, dark: this.painter.isDark(highlight.id) }] : [];
		});
		this.dots.show(dotted);
		const placed = dotted
			.sort((a, b) => a.range.compareBoundaryPoints(Range.START_TO_START, b.range))
			.map(({ highlight }) => highlight);
		const lost = all.filter(({ id, ranges }) => ranges.length > 0 && this.painter.ranges(id).length === 0);
		const { status, presence } = this.page;
		this.panel.show({ status, presence, me: this.me, placed, lost });
		const shown = this.card && this.shown(this.card.id);
		if (shown) this.card?.update(shown);
	}

	private shown(id: string) {
		const highlight = this.page.highlights.get(id) ?? this.saving.get(id);
		if (!highlight) return null;
		return {
			highlight,
			replies: this.page.repliesTo(id),
			me: this.me,
			saving: !this.page.highlights.has(id),
			here: this.painter.ranges(id).length > 0,
		};
	}

	// What is selected, and the bar beside it.

	private followSelection(): void {
		const options = { signal: this.signal };
		let pressed = false;
		const look = () => {
			if (pressed) return;
			const now = this.selected();
			const where = now && endOf(now);
			if (where) this.bar.show(where.end, where.all, now.backward);
			else this.bar.hide();
		};
		document.addEventListener(
			'pointerdown',
			(event) => {
				if (this.host.holds(event)) return;
				pressed = event.pointerType === 'mouse';
				this.bar.hide();
			},
			{ ...options, capture: true },
		);
		for (const type of ['pointerup', 'pointercancel', 'dragend']) {
			// The selection is what it is going to be only after the event.
			document.addEventListener(
				type,
				() => {
					pressed = false;
					setTimeout(look);
				},
				{ ...options, capture: true },
			);
		}
		document.addEventListener('selectionchange', look, options);
		addEventListener('resize', look, options);
		document.addEventListener(
			'keydown',
			(event) => {
				if (!this.bar.shown || this.host.holds(event)) return;
				if (event.key === 'Escape') this.bar.hide();
				if (event.key === 'Tab' && !event.shiftKey && !event.altKey && !event.ctrlKey) {
					event.preventDefault();
					this.bar.focus();
				}
			},
			{ ...options, capture: true },
		);
		this.host.root.addEventListener(
			'keydown',
			(event) => {
				if (event.key === 'Escape') this.bar.hide();
			},
			options,
		);
	}

	private selected(): Selected | null {
		return selected(document, (node) => this.host.contains(node));
	}

	/** Marks what is selected: painted at once, taken back if the server refuses. */
	private async mark(ink: Ink): Promise<void> {
		const now = this.selected();
		if (!now) return this.bar.hide();
		const wanted: NewHighlight = {
			id: newID(),
			url: this.place.url,
			title: document.title.trim(),
			group: this.group,
			ranges: now.ranges.map((range) => describe(range, now.backward)),
			color: ink,
			note: '',
		};
		this.bar.hide();
		if (!this.me && !(await this.introduce())) return;
		document.getSelection()?.removeAllRanges();
		await this.save(wanted);
	}

	private async save(wanted: NewHighlight): Promise<void> {
		if (!this.me && !(await this.introduce())) return;
		if (!this.me) return;
		const now = new Date().toISOString();
		const highlight: Highlight = {
			...wanted,
			page: { id: '', url: wanted.url, title: wanted.title },
			author: this.me,
			tags: [],
			replies: 0,
			check: { state: 'pending', reason: '', ranges: null },
			seq: 0,
			version: 0,
			created_at: now,
			updated_at: now,
		};
		this.messages.hide();
		this.saving.set(highlight.id, highlight);
		this.painter.put(highlight);
		this.draw();
		try {
			this.receive({ type: 'highlight', highlight: await this.remote.createHighlight(wanted) });
		} catch (cause) {
			if (this.page.highlights.has(highlight.id)) return; // the stream told that it was saved after all
			this.saving.delete(highlight.id);
			this.painter.remove(highlight.id);
			if (this.card?.id === highlight.id) this.card.close();
			this.draw();
			// Asked again under the same id, it is stored once even if the first request did arrive.
			this.messages.show(`Not saved. ${failure(cause)}`, { label: 'Try again', act: () => this.save(wanted) });
		}
	}

	/** Asks for a name, once. */
	private async introduce(): Promise<boolean> {
		return askName(
			this.host,
			async (name) => {
				try {
					this.me = await this.remote.signUp(name);
					return null;
				} catch (cause) {
					return cause instanceof Problem && cause.status === 409 ? `The name ${name} is taken.` : failure(cause);
				}
			},
			this.signal,
		);
	}

	// What is under the pointer.

	private followPointer(): void {
		const options = { signal: this.signal };
		let asked = false;
		document.addEventListener(
			'pointermove',
			({ clientX, clientY, pointerType, buttons }) => {
				if (asked || pointerType !== 'mouse' || buttons !== 0) return;
				asked = true;
				requestAnimationFrame(() => {
					asked = false;
					if (!this.signal.aborted)
						this.painter.underline(this.painter.at(clientX, clientY)[0] ?? this.card?.id ?? null);
				});
			},
			{ ...options, passive: true },
		);
		document.addEventListener(
			'click',
			(event) => {
				if (this.host.holds(event) || event.button !== 0 || event.defaultPrevented) return;
				const target = event.target instanceof Element ? event.target : null;
				const busy = target?.closest(
					'a[href], button, input, textarea, select, label, summary, video, audio, [contenteditable]',
				);
				const hit = busy || this.selected() ? [] : this.painter.at(event.clientX, event.clientY);
				if (hit[0]) {
					this.stack = hit;
					this.open(hit[0], false);
				} else {
					this.card?.leave();
					this.panel.leave();
				}
			},
			options,
		);
	}

	private open(id: string, byDot: boolean): void {
		const shown = this.shown(id);
		if (!shown) return;
		if (byDot) this.stack = [id];
		this.card?.close();
		this.bar.hide();
		this.panel.leave();
		const card = new Card(
			this.host,
			shown,
			{
				edit: (id, edit) => this.attempt(() => this.edit(id, edit)),
				reply: (highlight, note) => this.attempt(() => this.reply(highlight, note)),
				remove: (id) => void this.remove(id),
				removeReply: (reply) => this.attempt(() => this.removeReply(reply)),
				copyLink: (id) => void this.copyLink(id),
				closed: (id) => {
					if (this.card?.id === id) this.card = null;
					this.dots.expand(null);
					this.painter.underline(null);
					if (byDot) this.dots.focus(id);
				},
			},
			this.drafts,
		);
		this.card = card;
		this.turn(0);
		this.dots.expand(id);
		this.painter.underline(id);
		card.place(this.beside(id));
		card.focus();
	}

	private turn(step: number): void {
		const at = this.stack.indexOf(this.card?.id ?? '');
		const next = this.stack.at((at + step) % this.stack.length);
		if (step !== 0 && next) return this.open(next, false);
		this.card?.offer(at + 1, this.stack.length, (step) => this.turn(step));
	}

	/** Where a highlight stands in the viewport, and the block of text around it. */
	private beside(id: string): { block: DOMRect; passage: DOMRect } | null {
		const [range] = this.painter.ranges(id);
		if (!range) return null;
		let block = elementOf(range);
		while (block?.parentElement && getComputedStyle(block).display.startsWith('inline')) block = block.parentElement;
		const passage = range.getBoundingClientRect();
		return { block: block?.getBoundingClientRect() ?? passage, passage };
	}

	/** Goes to a highlight on the page and opens it. */
	private visit(id: string): void {
		const [range] = this.painter.ranges(id);
		const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
		if (range) elementOf(range)?.scrollIntoView({ block: 'center', behavior: 'instant' });
		if (range && !still) this.flash(range, this.shown(id)?.highlight.color ?? 'yellow');
		this.stack = [id];
		this.open(id, false);
	}

	// What is done to a highlight.

	/** Does something that needs a name; null when it is done, else what went wrong. */
	private async attempt(act: () => Promise<void>): Promise<string | null> {
		if (!this.me && !(await this.introduce())) return 'It takes a name.';
		try {
			await act();
			return null;
		} catch (cause) {
			return failure(cause);
		}
	}

	private async edit(id: string, edit: HighlightEdit): Promise<void> {
		const highlight = await this.remote.updateHighlight(this.place.url, id, edit);
		this.receive({ type: 'highlight', highlight });
	}

	private async reply(highlight: string, note: string): Promise<void> {
		const reply = await this.remote.createReply(this.place.url, { id: newID(), highlight, note });
		this.receive({ type: 'reply', reply });
	}

	private async removeReply(reply: Reply): Promise<void> {
		await this.remote.deleteReply(this.place.url, reply.id);
		this.receive({ type: 'removed', id: reply.id, kind: 'reply' });
	}

	private async remove(id: string): Promise<void> {
		const highlight = this.page.highlights.get(id);
		if (!highlight) return;
		this.drafts.delete(`note ${id}`);
		this.drafts.delete(`reply ${id}`);
		this.card?.close();
		this.deleting.add(id);
		this.painter.remove(id);
		this.draw();
		try {
			await this.remote.deleteHighlight(this.place.url, id);
			this.receive({ type: 'removed', id, kind: 'highlight' });
			const { ranges, color, note, group } = highlight;
			this.messages.show('Highlight deleted.', {
				label: 'Undo',
				act: () => this.save({ id: newID(), ...this.place, ranges, color, note, group }),
			});
		} catch (cause) {
			this.deleting.delete(id);
			if (this.page.highlights.has(id)) this.painter.put(highlight);
			this.draw();
			this.messages.show(`Not deleted. ${failure(cause)}`, { label: 'Try again', act: () => this.remove(id) });
		}
	}

	private async copyLink(id: string): Promise<void> {
		const link = `${this.remote.server}/h/${id}`;
		try {
			await navigator.clipboard.writeText(link);
			this.messages.show('Link copied.');
		} catch {
			this.messages.show(link); // pages without TLS may not write to the clipboard: it can be copied from here
		}
	}

	// The page itself: it scrolls, resizes and changes its colors. Its text is the painter's to follow.

	private followPage(): void {
		const options = { signal: this.signal };
		const size = new ResizeObserver(() => this.draw());
		size.observe(document.documentElement);
		if (document.body) size.observe(document.body);
		// What scrolls within the page moves its text under the dots; what scrolls with the page takes them along.
		document.addEventListener(
			'scroll',
			(event) => {
				if (event.target !== document) this.draw();
			},
			{ ...options, capture: true, passive: true },
		);
		const color = () => this.painter.recolor();
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', color, options);
		const theme = new MutationObserver(color);
		for (const element of [document.documentElement, document.body]) {
			if (element) theme.observe(element, { attributes: true, attributeFilter: ['class', 'style', 'data-theme'] });
		}
		this.signal.addEventListener('abort', () => {
			for (const observer of [size, theme]) observer.disconnect();
		});
	}

	/** Somebody else's highlight comes in as ink that fades in. */
	private fadeIn(highlight: Highlight): void {
		if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
		requestAnimationFrame(() => {
			for (const range of this.painter.ranges(highlight.id)) this.flash(range, highlight.color);
		});
	}

	private flash(range: Range, color: string): void {
		const { clientHeight } = document.documentElement;
		for (const rect of [...range.getClientRects()].slice(0, 64)) {
			if (rect.bottom < 0 || rect.top > clientHeight) continue;
			const ink = el('div', { class: 'fade' });
			ink.style.setProperty('--ink', `var(--${inkOf(color)})`);
			ink.style.width = `${rect.width}px`;
			ink.style.height = `${rect.height}px`;
			this.host.place(ink, rect.left, rect.top);
			this.host.root.append(ink);
			ink.addEventListener('animationend', () => ink.remove());
		}
	}
}
