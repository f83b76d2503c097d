import type { CDPSession, Page } from 'playwright-core';
import { expect } from 'vitest';

interface AXNode {
	nodeId: string;
	backendDOMNodeId?: number;
	ignored: boolean;
	role?: { value: string };
	name?: { value: string };
	value?: { value: string };
	properties?: { name: string; value: { value?: unknown } }[];
}

/**
 * A page as its reader meets it. limn's interface is in a closed shadow root, so it is driven as a screen reader
 * would: by the role and the name of what is there.
 */
export class Reader {
	private constructor(
		readonly page: Page,
		private readonly cdp: CDPSession,
	) {}

	static async open(page: Page, url: string): Promise<Reader> {
		const cdp = await page.context().newCDPSession(page);
		await cdp.send('Accessibility.enable');
		await cdp.send('DOM.enable');
		const reader = new Reader(page, cdp);
		if (url) await page.goto(url);
		return reader;
	}

	/** Waits for the status to be a word. */
	async is(status: 'Live' | 'Offline' | 'Connecting'): Promise<void> {
		await this.find('button', new RegExp(`^limn: ${status}\\.`), 40_000);
	}

	/** Every name and text that a screen reader could say in here. */
	async words(): Promise<string[]> {
		return (await this.tree())
			.flatMap((node) => (node.ignored ? [] : [String(node.name?.value ?? '')]))
			.filter(Boolean);
	}

	/** Waits until some text is said. */
	async says(words: string | RegExp, timeout = 30_000): Promise<void> {
		const said = typeof words === 'string' ? expect.stringContaining(words) : expect.stringMatching(words);
		await expect.poll(() => this.words(), { timeout }).toContainEqual(said);
	}

	async find(role: string, name: string | RegExp, timeout = 30_000): Promise<AXNode> {
		let found: AXNode | undefined;
		await expect
			.poll(
				async () => {
					found = (await this.tree()).find((node) => !node.ignored && node.role?.value === role && matches(node, name));
					return found !== undefined;
				},
				{ timeout, message: `a ${role} named ${name}` },
			)
			.toBe(true);
		return found as AXNode;
	}

	async has(role: string, name: string | RegExp): Promise<boolean> {
		return (await this.tree()).some((node) => !node.ignored && node.role?.value === role && matches(node, name));
	}

	async click(role: string, name: string | RegExp): Promise<void> {
		const { x, y } = await this.middle(role, name);
		await this.page.mouse.click(x, y);
	}

	async hover(role: string, name: string | RegExp): Promise<void> {
		const { x, y } = await this.middle(role, name);
		await this.page.mouse.move(x, y);
	}

	/** Goes on with Tab until it is there. */
	async focus(role: string, name: string | RegExp): Promise<void> {
		for (let i = 0; i < 40; i++) {
			await this.page.keyboard.press('Tab');
			if (await this.isFocused(role, name)) return;
		}
		throw new Error(`Tab does not lead to a ${role} named ${name}`);
	}

	async focused(role: string, name: string | RegExp): Promise<void> {
		await expect.poll(() => this.isFocused(role, name)).toBe(true);
	}

	private async isFocused(role: string, name: string | RegExp): Promise<boolean> {
		return (await this.tree()).some(
			(node) =>
				node.role?.value === role &&
				matches(node, name) &&
				node.properties?.some((property) => property.name === 'focused' && property.value.value === true),
		);
	}

	/** Types into a text box. */
	async type(name: string | RegExp, text: string): Promise<void> {
		await this.enter(name);
		await this.page.keyboard.insertText(text);
	}

	/** Clicks into a text box, once more if it moved away from under the pointer. */
	private async enter(name: string | RegExp): Promise<void> {
		await expect
			.poll(async () => {
				await this.click('textbox', name);
				return this.isFocused('textbox', name);
			})
			.toBe(true);
	}

	/** Selects text by dragging over it, as a person does; from its end to its start if backward. */
	async select(from: string, to: string = from, backward = false): Promise<void> {
		const [start, end] = await this.page.evaluate(
			([from, to]) => {
				const find = (text: string, after: boolean) => {
					const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
					for (let node = walker.nextNode(); node; node = walker.nextNode()) {
						const at = (node.textContent ?? '').indexOf(text);
						if (at < 0) continue;
						const range = document.createRange();
						range.setStart(node, at);
						range.setEnd(node, at + text.length);
						range.startContainer.parentElement?.scrollIntoView({ block: 'center' });
						return { range, after };
					}
					throw new Error(`no text ${text}`);
				};
				const spots = [find(from as string, false), find(to as string, true)];
				return spots.map(({ range, after }) => {
					const rects = range.getClientRects();
					const rect = rects[after ? rects.length - 1 : 0] as DOMRect;
					return { x: after ? rect.right - 0.2 : rect.left + 0.2, y: rect.top + rect.height / 2 };
				});
			},
			[from, to],
		);
		if (!start || !end) throw new Error('nothing to select');
		const [first, last] = backward ? [end, start] : [start, end];
		await this.page.mouse.move(first.x, first.y);
		await this.page.mouse.down();
		await this.page.mouse.move(last.x, last.y, { steps: 4 });
		await this.page.mouse.up();
		await expect.poll(() => this.page.evaluate(() => getSelection()?.isCollapsed), { message: 'selected' }).toBe(false);
	}

	/** Selects and marks. */
	async mark(ink: string, from: string, to: string = from, backward = false): Promise<void> {
		await this.select(from, to, backward);
		await this.click('button', `Highlight in ${ink}`);
	}

	/** Gives a name when it is asked for. */
	async name(name: string): Promise<void> {
		await this.enter('Name');
		await this.page.keyboard.press('Control+A');
		await this.page.keyboard.insertText(name);
		await this.click('button', 'Continue');
		await expect.poll(async () => (await this.has('textbox', 'Name')) && !(await this.has('alert', ''))).toBe(false);
	}

	/** Clicks on a highlighted text, at its middle, once it is painted. */
	async clickText(text: string): Promise<void> {
		const painted = () =>
			this.page.evaluate((text) => {
				const spaceless = (range: AbstractRange | string) => `${range}`.replace(/\s+/g, '');
				return [...CSS.highlights].some(
					([name, ranges]) =>
						name.startsWith('limn-') &&
						[...ranges].some(
							(range) => spaceless(range).includes(spaceless(text)) || spaceless(text).includes(spaceless(range)),
						),
				);
			}, text);
		await expect.poll(painted, { message: `${text} is painted` }).toBe(true);
		const at = await this.page.evaluate((text) => {
			const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
			for (let node = walker.nextNode(); node; node = walker.nextNode()) {
				const start = (node.textContent ?? '').indexOf(text);
				if (start < 0) continue;
				node.parentElement?.scrollIntoView({ block: 'center' });
				const range = document.createRange();
				range.setStart(node, start);
				range.setEnd(node, start + text.length);
				const rect = range.getClientRects()[0] as DOMRect;
				return { x: rect.left + rect.width / 2, y: rect.top + rect.height / 2 };
			}
			throw new Error(`no text ${text}`);
		}, text);
		await this.page.mouse.click(at.x, at.y);
	}

	/** What is painted: ink and text, as the browser holds it. */
	painted(): Promise<string[]> {
		return this.page.evaluate(() =>
			[...CSS.highlights]
				.filter(([name]) => name.startsWith('limn-') && !name.startsWith('limn-line-'))
				.flatMap(([name, ranges]) => [...ranges].map((range) => `${name.slice(5)}: ${range}`))
				.sort(),
		);
	}

	async paints(expected: string[], timeout = 30_000): Promise<void> {
		await expect.poll(() => this.painted(), { timeout }).toEqual([...expected].sort());
	}

	/** Waits until something like this is painted, among others. */
	async paintsOnce(mark: string | RegExp): Promise<void> {
		await expect
			.poll(() => this.painted())
			.toContainEqual(typeof mark === 'string' ? mark : expect.stringMatching(mark));
	}

	/** Drops a file from the disk on something. */
	async drop(role: string, name: string, file: string): Promise<void> {
		const at = await this.middle(role, name);
		const data = { items: [], files: [file], dragOperationsMask: 1 };
		for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
			await this.cdp.send('Input.dispatchDragEvent', { type, ...at, data });
		}
	}

	/** Chooses from a list. */
	async choose(list: string, option: string): Promise<void> {
		const { backendDOMNodeId } = await this.find('combobox', list);
		if (backendDOMNodeId === undefined) throw new Error(`${list} has no element`);
		await this.cdp.send('DOM.focus', { backendNodeId: backendDOMNodeId });
		await this.page.keyboard.type(option);
	}

	/** The middle of an element that stands still and that nothing covers. One that is drawn anew meanwhile is found again. */
	private async middle(role: string, name: string | RegExp): Promise<{ x: number; y: number }> {
		let at: { x: number; y: number } | undefined;
		const stands = async () => {
			at = await this.spot(await this.find(role, name)).catch(() => undefined);
			return at !== undefined;
		};
		await expect.poll(stands, { message: `${role} ${name} stands still, and nothing covers it` }).toBe(true);
		return at as unknown as { x: number; y: number };
	}

	private async spot({ backendDOMNodeId }: AXNode): Promise<{ x: number; y: number } | undefined> {
		if (backendDOMNodeId === undefined) return undefined;
		await this.cdp.send('DOM.scrollIntoViewIfNeeded', { backendNodeId: backendDOMNodeId });
		const { object } = await this.cdp.send('DOM.resolveNode', { backendNodeId: backendDOMNodeId });
		const { result } = await this.cdp.send('Runtime.callFunctionOn', {
			objectId: object.objectId as string,
			functionDeclaration: `${standing}`,
			awaitPromise: true,
			returnByValue: true,
		});
		return result.value ?? undefined;
	}

	private async tree(): Promise<AXNode[]> {
		return (await this.cdp.send('Accessibility.getFullAXTree')).nodes as unknown as AXNode[];
	}
}

function matches(node: AXNode, name: string | RegExp): boolean {
	const own = String(node.name?.value ?? '');
	return typeof name === 'string' ? own === name : name.test(own);
}

/** Within the page: the middle of this element, unless it is moving or something covers it. */
async function standing(this: Element): Promise<{ x: number; y: number } | null> {
	const before = this.getBoundingClientRect();
	await new Promise((resolve) => {
		requestAnimationFrame(resolve);
		setTimeout(resolve, 100); // a window in the background has no frames
	});
	const now = this.getBoundingClientRect();
	if (now.x !== before.x || now.y !== before.y || now.width !== before.width || now.height !== before.height)
		return null;
	const at = { x: now.x + now.width / 2, y: now.y + now.height / 2 };
	const top = (this.getRootNode() as Document | ShadowRoot).elementFromPoint(at.x, at.y);
	return top && (this.contains(top) || top.contains(this)) ? at : null;
}
