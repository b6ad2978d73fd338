/** The entry point of the notebook widget, as anywidget calls it: the page's components in a cell. */
import { mount, unmount } from "svelte";
import "./styles/tokens.css";
import "./styles/classes.css";
import NotebookView from "./views/notebook/NotebookView.svelte";
import { Cell, type Model } from "./views/notebook/cell.svelte";

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const cell = new Cell(model);
  const view = mount(NotebookView, { target: el, props: { cell } });
  return () => {
    cell.leave();
    void unmount(view);
  };
}

export default { render };
