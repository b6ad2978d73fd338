/** Vega, in a chunk of its own. Expressions are interpreted, so that the page needs no right to evaluate code. */
import embed, { type VisualizationSpec } from "vega-embed";
import { expressionInterpreter } from "vega-interpreter";

export type Bin = { lo: number; hi: number };
export type Drawn = { finalize: () => void; listen: (told: (bin: Bin | null) => void) => void };

const INK = { light: "#5a5751", dark: "#b9b4aa" };
const LINE = { light: "#dedad2", dark: "#37342f" };

/** A specification drawn into an element, in the colours of the page. */
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
  // The figure around it says what the chart shows; its hundreds of marks are not read out one by one.
  place.querySelector("svg.marks")?.setAttribute("aria-hidden", "true");
  place.querySelector("summary")?.setAttribute("aria-label", "Save this chart");
  return {
    finalize: () => result.finalize(),
    listen: (told) => {
      try {
        result.view.addSignalListener("bin", (_, value: { lo?: number[]; hi?: number[] }) => {
          const [lo, hi] = [value?.lo?.[0], value?.hi?.[0]];
          told(lo === undefined || hi === undefined ? null : { lo, hi });
        });
      } catch {
        // This chart has nothing to point at.
      }
    },
  };
}
