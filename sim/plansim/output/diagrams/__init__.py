"""Stock-and-flow diagrams and causal loop diagrams as SVG."""
