/** Vega, in its own chunk. Expressions are interpreted, so the page's policy need not allow evaluating code. */
import embed, { type VisualizationSpec } from "vega-embed";
import { expressionInterpreter } from "vega-interpreter";

export type Bin = { lo: number; hi: number };
export type Drawn = { finalize: () => void; listen: (onbin: (bin: Bin | null) => void) => void };

const INK = { light: "#5a5751", dark: "#b9b4aa" };
const LINE = { light: "#dedad2", dark: "#37342f" };

/** Draw a specification into an element, in the page's colours. */
export async function drawn(place: HTMLElement, spec: object, shade: "light" | "dark"): Promise<Drawn> {
  const text = { labelColor: INK[shade], titleColor: INK[shade] };
  const result = await embed(place, spec as VisualizationSpec, {
    renderer: "svg",
    ast: true,
    expr: expressionInterpreter,
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: "whence-chart",
    config: {
      background: "transparent",
      font: "system-ui, sans-serif",
      view: { stroke: "transparent" },
      axis: { ...text, gridColor: LINE[shade], domainColor: LINE[shade], tickColor: LINE[shade] },
      legend: text,
      title: { color: INK[shade] },
    },
  });
  // The surrounding figure has a label; screen readers skip the hundreds of marks.
  place.querySelector("svg.marks")?.setAttribute("aria-hidden", "true");
  place.querySelector("summary")?.setAttribute("aria-label", "Save this chart");
  return {
    finalize: () => result.finalize(),
    listen: (onbin) => {
      try {
        result.view.addSignalListener("bin", (_, value: { lo?: number[]; hi?: number[] }) => {
          const [lo, hi] = [value?.lo?.[0], value?.hi?.[0]];
          onbin(lo === undefined || hi === undefined ? null : { lo, hi });
        });
      } catch {
        // This chart has no bins to point at.
      }
    },
  };
}
