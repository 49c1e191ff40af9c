"""Objectives on the stream: minutes are counted, budgets follow from them exactly, and alerts from the budgets."""
