"""One calm look: a single accent colour, the system's own fonts, nothing fetched from elsewhere."""

from __future__ import annotations

import gradio as gr

ACCENT = gr.themes.Color(
    c50="#eef1fd",
    c100="#dfe5fb",
    c200="#c3cef8",
    c300="#9fb0f2",
    c400="#748bea",
    c500="#4a67de",
    c600="#3452d1",
    c700="#2b44b0",
    c800="#263b8e",
    c900="#24366f",
    c950="#1a2450",
    name="accent",
)
SANS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "DejaVu Sans", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"]


def theme() -> gr.themes.Base:
    """The page's theme, light and dark."""
    return gr.themes.Base(
        primary_hue=ACCENT,
        neutral_hue=gr.themes.colors.gray,
        font=SANS,
        font_mono=MONO,
        radius_size=gr.themes.sizes.radius_md,
        spacing_size=gr.themes.sizes.spacing_sm,
        text_size=gr.themes.sizes.text_md,
    ).set(
        body_background_fill="#fafafa",
        body_background_fill_dark="#14161b",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#1b1e25",
        background_fill_secondary="#f5f5f6",
        background_fill_secondary_dark="#20242c",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_shadow="none",
        block_padding="0px",
        border_color_primary="#e4e5ea",
        border_color_primary_dark="#30353f",
        color_accent="#3452d1",
        body_text_color="#16181d",
        body_text_color_dark="#e6e8ee",
        body_text_color_subdued="#636a77",
        body_text_color_subdued_dark="#979eac",
        button_primary_background_fill="#3452d1",
        button_primary_background_fill_hover="#2b44b0",
        button_primary_background_fill_dark="#3f5fe0",
        button_primary_background_fill_hover_dark="#5371ea",
        button_primary_text_color="#ffffff",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_dark="#1b1e25",
        button_secondary_background_fill_hover="#f2f3f6",
        button_secondary_background_fill_hover_dark="#272c36",
        button_secondary_border_color="#e0e2e8",
        button_secondary_border_color_dark="#343a45",
        button_border_width="1px",
        input_background_fill="#ffffff",
        input_background_fill_dark="#1b1e25",
        input_border_width="1px",
        panel_border_width="0px",
    )
