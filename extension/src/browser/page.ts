/** An element of one of the extension's own pages. */
export function find<T extends HTMLElement>(id: string, type: new () => T): T {
	const element = document.getElementById(id);
	if (!(element instanceof type)) throw new Error(`the page has no ${id}`);
	return element;
}

/**
 * Opens the panel beside the pages of a window; where the browser has no such place, in a tab. It has to be called at
 * once when somebody asks for it: browsers open it for nobody else.
 */
export function openSide(windowId: number, tab: number): void {
	const { sidebarAction, sidePanel } = chrome as Partial<typeof chrome> & { sidebarAction?: { open(): Promise<void> } };
	if (sidebarAction) void sidebarAction.open();
	else if (sidePanel) void sidePanel.open({ windowId });
	else void chrome.tabs.create({ url: `side.html?tab=${tab}` });
}
