import { describe } from '../anchor/index.ts';
import { Problem } from '../api/client.ts';
import type { Account, Highlight, HighlightEdit, NewHighlight, Reply } from '../api/shapes.ts';
import type { Place } from '../page/location.ts';
import { newID } from '../page/url.ts';
import type { Ink } from '../paint/inks.ts';
import { elementOf, Painter } from '../paint/painter.ts';
import { PageState } from '../state/page.ts';
import { Bar } from '../ui/bar.ts';
import { Card, type Drafts } from '../ui/card.ts';
import { Dots } from '../ui/dots.ts';
import { Host } from '../ui/host.ts';
import { Messages } from '../ui/message.ts';
import { askName } from '../ui/name.ts';
import { Panel } from '../ui/panel.ts';
import { wet } from '../ui/wet.ts';
import { failure } from '../ui/words.ts';
import { followPointer } from './pointer.ts';
import type { ReaderEvent, Remote } from './remote.ts';
import { followSelection, type Selected, selected } from './selection.ts';
import { followSurroundings } from './surroundings.ts';

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
		followSelection(this.host, this.bar, this.signal);
		const over = (ids: string[]) => this.painter.underline(ids[0] ?? this.card?.id ?? null);
		followPointer(this.host, this.painter, { over, click: (ids) => this.click(ids) }, this.signal);
		const recolored = () => this.painter.recolor();
		followSurroundings({ moved: () => this.draw(), recolored }, this.signal);
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
				const own = this.saving.delete(highlight.id);
				const news = !known && !own && this.page.status === 'live';
				if (!this.deleting.has(highlight.id)) this.painter.put(highlight);
				if (news) requestAnimationFrame(() => this.dry(highlight));
				break;
			}
			case 'removed':
			case 'live':
				for (const id of held ?? []) if (!this.page.highlights.has(id)) this.forget(id);
				break;
		}
		this.draw();
	}

	private dry({ id, color }: Highlight): void {
		for (const range of this.painter.ranges(id)) wet(this.host, range, color);
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

	// What is selected.

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

	// The card of a highlight.

	private click(ids: string[]): void {
		if (ids[0] !== undefined) {
			this.stack = ids;
			this.open(ids[0], false);
		} else {
			this.card?.leave();
			this.panel.leave();
		}
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
					if (!this.shown(id)) this.discard(id);
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
		card.place(this.painter.ranges(id)[0] ?? null);
		card.focus();
	}

	private turn(step: number): void {
		const at = this.stack.indexOf(this.card?.id ?? '');
		const next = this.stack.at((at + step) % this.stack.length);
		if (step !== 0 && next) return this.open(next, false);
		this.card?.offer(at + 1, this.stack.length, (step) => this.turn(step));
	}

	/** Goes to a highlight on the page and opens it. */
	private visit(id: string): void {
		const [range] = this.painter.ranges(id);
		if (range) elementOf(range)?.scrollIntoView({ block: 'center', behavior: 'instant' });
		const highlight = this.page.highlights.get(id);
		if (highlight) this.dry(highlight);
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
		this.discard(id);
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

	/** Drops what was typed for a highlight that is gone. */
	private discard(id: string): void {
		for (const kind of ['note', 'reply']) this.drafts.delete(`${kind} ${id}`);
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
}
