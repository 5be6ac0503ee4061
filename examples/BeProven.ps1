<#
.SYNOPSIS
    Adds `Should -BeProven` to Pester: the drill passed, compared the content of every table, and left no step out.
.EXAMPLE
    BeforeAll { . ./examples/BeProven.ps1 }
    It 'is proven' { Get-PgBackup -Latest | Test-PgRestore | Should -BeProven -Because 'we may need it tonight' }
#>
function Test-Proven($ActualValue, [switch] $Negate, [string] $Because) {
    $reasons = @(
        if ($ActualValue -isnot [PgOps.PgDrill]) { 'it is not a drill of Test-PgRestore' }
        else {
            # A step that was not made proves nothing.
            $ActualValue.Checks.Where({ $_.Status -ne 'Passed' }).ForEach({ "$_" })
            if (-not $ActualValue.Proven) { 'content: not every table was compared' }
            if ($ActualValue.TablesCompared -eq 0) { 'tables: there was none to compare' }
        }
    )
    $proven = $reasons.Count -eq 0
    $subject = $ActualValue.Backup.Path ?? "$ActualValue"
    $why = if ($Because) { ", because $Because" }
    [pscustomobject]@{
        Succeeded      = $Negate ? -not $proven : $proven
        FailureMessage = if ($Negate) { "Expected $subject not to be proven$why, but it is." }
        else { "Expected $subject to be proven$why, but:`n  $($reasons -join "`n  ")" }
    }
}

Add-ShouldOperator -Name BeProven -InternalName Test-Proven -Test ${function:Test-Proven}
