# What backup.ps1, restore.ps1 and migrate.ps1 begin with; copy it along with them. It must be readable to Windows PowerShell 5.1: no ?:,
# no ??, no #Requires, and nothing but ASCII.

# Windows PowerShell cannot load PgOps, and old runbooks call it: 'powershell -File backup.ps1'. The script is run again by PowerShell 7.4
# or newer, with the same parameters. Gives its exit code, or nothing where this is the right PowerShell already.
function Invoke-InNewPowerShell(
    [string] $Script,
    [System.Collections.IDictionary] $Parameters,
    [version] $Version = $PSVersionTable.PSVersion
) {
    if ($Version -ge [version]'7.4') { return }
    $pwsh = @(Get-Command pwsh -CommandType Application -ErrorAction SilentlyContinue)[0]
    if ($null -eq $pwsh) {
        throw ("PgOps needs PowerShell 7.4 or newer; this is $Version, and there is no pwsh on the PATH. " +
            "Nothing was done. Install it with: " +
            'winget install Microsoft.PowerShell (Windows), or dotnet tool install --global PowerShell (with the .NET SDK).')
    }
    $arguments = @('-NoProfile', '-File', $Script)
    foreach ($name in $Parameters.Keys) {
        $value = $Parameters[$name]
        if ($value -is [System.Management.Automation.SwitchParameter]) { $arguments += "-${name}:`$$($value.IsPresent)" }
        else { $arguments += "-$name"; $arguments += "$value" }
    }
    # Its words go to the screen; what this function gives is the exit code alone.
    & $pwsh.Source $arguments | Out-Host
    $LASTEXITCODE
}

# Ends the script with a sentence for people, not with a place in its text; it must be called from the script itself.
function Stop-Script([string] $Message) {
    $PSCmdlet.ThrowTerminatingError([System.Management.Automation.ErrorRecord]::new(
            [System.InvalidOperationException]::new($Message), 'Refused', 'InvalidOperation', $null))
}

# PgOps: what the session has already, the clone's that this folder lies in, or the installed one.
function Import-PgOps {
    if (Get-Module PgOps) { return }
    $clone = Join-Path $PSScriptRoot '../../PgOps.psd1'
    if (Test-Path $clone) { Import-Module $clone }
    elseif (Get-Module PgOps -ListAvailable) { Import-Module PgOps }
    else { Stop-Script 'The module PgOps is not installed. Nothing was done. Put it into a folder of $env:PSModulePath.' }
}
