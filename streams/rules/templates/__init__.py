"""The templates in labels and annotations of rules: Go's text/template with Prometheus' functions."""

from streams.rules.templates.template import Template, TemplateData, compile_template

__all__ = ["Template", "TemplateData", "compile_template"]
