"""The style sheet: what Fusion and a palette cannot say.

Fusion derives the outlines of its controls from the window colour, so that on a black window they
cannot be seen; here every control has a border with 3:1 contrast and the size of a finger tip.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ui.theme import Theme

_ICONS = (Path(__file__).resolve().parents[1] / "resources" / "icons").as_posix()


def style_sheet(theme: Theme, line: int, target: int) -> str:
    """The style sheet of a theme for text of ``line`` pixels and click targets of ``target`` pixels."""
    mark = max(18, round(line * 0.95))
    half = max(6, line // 2)
    thin = target - 4  # padding of 1 px and a border of 1 px on both sides make up the rest
    on = "white" if theme.dark else "black"
    check = "black" if theme.dark else "white"
    arrow = max(12, round(line * 0.7))
    handle = max(18, round(line * 0.9))
    bar = max(14, round(line * 0.7))
    return f"""
QPushButton, QToolButton, QComboBox, QLineEdit, QAbstractSpinBox {{
    min-height: {thin}px; border: 1px solid {theme.border}; border-radius: 5px; padding: 1px; }}
QPushButton, QToolButton, QComboBox {{ background: {theme.button}; color: {theme.text}; }}
QLineEdit, QAbstractSpinBox, QPlainTextEdit, QTextEdit, QListView, QTreeView, QTableView {{
    background: {theme.base}; color: {theme.text}; }}
QPlainTextEdit, QTextEdit, QListView, QTreeView, QTableView {{
    border: 1px solid {theme.border}; border-radius: 5px; }}
QPushButton {{ padding: 1px {half + 4}px; }}
QToolButton {{ min-width: {thin}px; padding: 1px 3px; }}
QToolButton[popupMode="1"] {{ padding-right: {arrow + 8}px; }}
QToolButton::menu-button {{ border: none; width: {arrow + 6}px; }}
QToolButton::menu-arrow, QComboBox::down-arrow {{
    image: url({_ICONS}/down-{on}.svg); width: {arrow}px; height: {arrow}px; }}
QToolButton::menu-indicator, QPushButton::menu-indicator {{
    image: url({_ICONS}/down-{on}.svg); width: {arrow}px; height: {arrow}px;
    subcontrol-origin: padding; subcontrol-position: right center; right: 4px; }}
QToolButton[popupMode="2"] {{ padding-right: {arrow + 6}px; }}
QPushButton:hover, QToolButton:hover, QComboBox:hover {{ background: {theme.hover}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {theme.pressed}; }}
QPushButton:checked, QToolButton:checked, QPushButton:default {{
    background: {theme.accent}; color: {theme.accent_text}; border-color: {theme.accent}; }}
QToolButton#mute:checked {{ background: {theme.danger}; border-color: {theme.danger}; }}
QToolButton#solo:checked {{ background: {theme.warning}; border-color: {theme.warning}; }}
QPushButton:disabled, QToolButton:disabled, QComboBox:disabled, QLineEdit:disabled,
QAbstractSpinBox:disabled {{
    background: {theme.window}; color: {theme.disabled}; border-color: {theme.faint}; }}
QComboBox {{ padding: 1px {half}px; }}
QComboBox::drop-down {{ border: none; width: {arrow + 10}px; }}
QComboBox QAbstractItemView {{ background: {theme.base}; border: 1px solid {theme.border};
    selection-background-color: {theme.accent}; selection-color: {theme.accent_text}; }}
QComboBox QAbstractItemView::item {{ min-height: {target}px; }}
QLineEdit, QAbstractSpinBox {{ padding: 1px 4px; selection-background-color: {theme.accent};
    selection-color: {theme.accent_text}; placeholder-text-color: {theme.muted_text}; }}
QAbstractSpinBox QLineEdit {{ border: none; min-height: 0px; padding: 0px 4px; background: transparent; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ subcontrol-origin: border;
    width: {arrow + 10}px; border: none; border-left: 1px solid {theme.border}; }}
QAbstractSpinBox::up-button {{ subcontrol-position: top right; }}
QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; }}
GainField::up-button, GainField::down-button {{ width: 0px; border: none; }}
QAbstractSpinBox::up-arrow {{
    image: url({_ICONS}/up-{on}.svg); width: {arrow - 2}px; height: {arrow - 2}px; }}
QAbstractSpinBox::down-arrow {{
    image: url({_ICONS}/down-{on}.svg); width: {arrow - 2}px; height: {arrow - 2}px; }}
GainField::up-arrow, GainField::down-arrow {{ image: none; width: 0px; height: 0px; }}
QCheckBox, QRadioButton {{ min-height: {target}px; spacing: {half}px; }}
QCheckBox:disabled, QRadioButton:disabled {{ color: {theme.disabled}; }}
QCheckBox::indicator, QRadioButton::indicator, QGroupBox::indicator {{
    width: {mark}px; height: {mark}px; border: 1px solid {theme.border}; background: {theme.base}; }}
QCheckBox::indicator, QGroupBox::indicator {{ border-radius: 4px; }}
QRadioButton::indicator {{ border-radius: {mark // 2 + 1}px; }}
QCheckBox::indicator:checked, QGroupBox::indicator:checked {{
    background: {theme.accent}; border-color: {theme.accent}; image: url({_ICONS}/check-{check}.svg); }}
QRadioButton::indicator:checked {{
    background: {theme.accent}; border-color: {theme.accent}; image: url({_ICONS}/dot-{check}.svg); }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ border-color: {theme.faint}; }}
QSlider:horizontal {{ min-height: {target}px; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {theme.border}; }}
QSlider::handle:horizontal {{ width: {handle}px; margin: -{(handle - 2) // 2}px 0;
    border-radius: {(handle + 2) // 2}px; background: {theme.handle}; border: 1px solid {theme.border}; }}
QSlider::handle:horizontal:disabled {{ background: {theme.window}; border-color: {theme.faint}; }}
QSlider::groove:horizontal:disabled {{ background: {theme.faint}; }}
QProgressBar {{ border: 1px solid {theme.border}; border-radius: 5px; background: {theme.base};
    text-align: center; min-height: {max(16, line)}px; color: {theme.text}; }}
QProgressBar::chunk {{ background: {theme.progress}; border-radius: 4px; }}
QGroupBox {{ border: 1px solid {theme.faint}; border-radius: 6px; margin-top: {half + 2}px;
    padding-top: {half}px; }}
QGroupBox::title {{ subcontrol-origin: margin; left: {half}px; padding: 0px 4px; }}
QTabWidget::pane {{ border: 1px solid {theme.faint}; border-radius: 5px; }}
QTabBar::tab {{ min-height: {thin}px; padding: 1px {line}px; border: 1px solid {theme.faint};
    background: {theme.button}; color: {theme.text}; }}
QTabBar::tab:selected {{ background: {theme.accent}; color: {theme.accent_text}; }}
QTableView {{ gridline-color: {theme.border}; }}
QHeaderView::section {{ background: {theme.button}; border: 1px solid {theme.faint};
    padding: 1px {half}px; }}
QScrollBar {{ background: {theme.window}; border: none; }}
QScrollBar:vertical {{ width: {bar}px; }}
QScrollBar:horizontal {{ height: {bar}px; }}
QScrollBar::handle {{ background: {theme.border}; border-radius: {bar // 2 - 2}px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: {target}px; }}
QScrollBar::handle:horizontal {{ min-width: {target}px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0px; height: 0px; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QMenuBar {{ background: {theme.window}; color: {theme.text}; }}
QMenuBar::item {{ padding: {max(4, (target - line) // 2)}px {half}px; background: transparent; }}
QMenuBar::item:selected {{ background: {theme.accent}; color: {theme.accent_text}; }}
QMenu {{ background: {theme.base}; color: {theme.text}; border: 1px solid {theme.border}; }}
QMenu::item {{ padding: {max(4, (target - line) // 2)}px {line + half}px; }}
QMenu::item:selected {{ background: {theme.accent}; color: {theme.accent_text}; }}
QMenu::item:disabled {{ color: {theme.disabled}; }}
QMenu::separator {{ height: 1px; background: {theme.faint}; margin: 4px 8px; }}
QToolTip {{ background: {theme.base}; color: {theme.text}; border: 1px solid {theme.border}; padding: 4px; }}
"""
